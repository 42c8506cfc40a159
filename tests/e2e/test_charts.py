"""A node's charts in Debian's Chromium: crosshair, zoom, gaps, and what stands where no script draws."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page as Tab
from playwright.async_api import async_playwright, expect

from gateway.model import Record
from gateway.store import Change, Store
from gateway.web.server import Address, Page
from tests.gateway.web.made import SITE, intake
from tools.servers import free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 90_000
expect.set_options(timeout=WAIT_MS)
PLOT = ".crossings .plot"


async def fill(path: Path, now_s: int) -> None:
    """Twenty hours of an intake, of which it was silent for four."""
    store = Store.open(path)
    try:
        made = [
            intake(500 + i, 400, now_s - 600 * (120 - i), commit=i + 1)
            for i in range(120)
            if not 60 <= i < 84
        ]
        names = Record.__dataclass_fields__
        await store.append(Change(records=[Record(**{n: getattr(r, n) for n in names}) for r in made]))
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def looking(folder: Path) -> AsyncIterator[tuple[Tab, list[str]]]:
    """A page on the intake, and what its browser complained of."""
    now_s, port = int(time.time()), free_port()
    await fill(folder / "store.db", now_s)
    served = Page(SITE, folder, folder / "store.db", Address("127.0.0.1", port))
    served.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            tab = await browser.new_page(locale="nb-NO", viewport={"width": 1280, "height": 900})
            tab.set_default_timeout(WAIT_MS)
            trouble: list[str] = []
            tab.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
            tab.on("pageerror", lambda error: trouble.append(str(error)))
            for _ in range(600):
                with contextlib.suppress(Exception):
                    await tab.goto(f"http://127.0.0.1:{port}/node/11?lang=nb")
                    break
                await asyncio.sleep(0.1)
            trouble.clear()  # until it was served
            yield tab, trouble
            await browser.close()
    finally:
        await asyncio.to_thread(served.stop)


async def until(tab: Tab, what: str) -> None:
    """Wait for something to be true in the page; its policy forbids the browser to wait for a text."""
    async with asyncio.timeout(WAIT_MS / 1000):
        while not await tab.evaluate(what):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_crosshair_zoom_and_what_stands_without_script(tmp_path: Path) -> None:
    async with looking(tmp_path) as (tab, trouble):
        await tab.reload()
        levels = tab.locator(PLOT).first
        await expect(tab.locator(PLOT)).to_have_count(3)
        await expect(tab.locator(".drawn")).to_be_hidden()

        # With the keyboard alone: the marker reads the last value in all charts at once.
        await levels.focus()
        await tab.keyboard.press("End")
        key = tab.locator(".crossings figure").first.locator(".key output")
        await expect(key.first).to_have_text("62\u00a0cm")
        await expect(tab.locator(".crossings figure").last.locator(".key output")).to_have_text("3,58\u00a0V")
        assert "Foran rista 62\u00a0cm" in str(await levels.get_attribute("aria-valuetext"))
        await tab.keyboard.press("Home")
        await expect(key.first).to_have_text("50\u00a0cm")
        await tab.keyboard.press("Escape")
        await expect(key.first).to_have_text("")

        # In the gap there is no value, whatever stands on either side of it.
        box = await levels.bounding_box()
        assert box
        await tab.mouse.move(box["x"] + 52 + (box["width"] - 64) * 0.6, box["y"] + 60)
        assert await tab.evaluate("charts[0].data[1].filter((v) => v === null).length") == 1

        # Dragging zooms all charts, the table and the file to what is in the address bar; back goes back.
        await tab.mouse.move(box["x"] + 52 + (box["width"] - 64) * 0.05, box["y"] + 60)
        await tab.mouse.down()
        await tab.mouse.move(box["x"] + 52 + (box["width"] - 64) * 0.25, box["y"] + 60, steps=4)
        await tab.mouse.up()
        await tab.wait_for_url(re.compile(r"from=\d+&to=\d+"))
        asked = dict(re.findall(r"(from|to)=(\d+)", tab.url))
        await until(tab, f"shown.from === {asked['from']} && shown.to === {asked['to']}")
        link = str(await tab.locator(".history a.button[download]").get_attribute("href"))
        assert f"from={asked['from']}" in link
        await tab.go_back()
        await until(tab, "shown.to - shown.from > 70000")
        await expect(tab.locator('.history [aria-current="true"]')).to_have_text("24 timer")

        # + and − and the ranges by keyboard and by hand, as addresses that can be sent to others.
        await levels.focus()
        await tab.keyboard.press("+")
        await until(tab, "shown.to - shown.from === 43200")
        await tab.locator(".ranges a", has_text="1 år").click()
        await tab.wait_for_url(re.compile("range=year"))
        await expect(tab.locator('.history [aria-current="true"]')).to_have_text("1 år")

        found = await Axe().run(tab)
        assert [
            f"{v['id']}: {[n['target'] for n in v['nodes'][:3]]}" for v in found.response["violations"]
        ] == []

        # On paper the server's drawings stand.
        await tab.emulate_media(media="print")
        await expect(tab.locator(".drawn")).to_be_visible()
        await expect(tab.locator(".crossings")).to_be_hidden()
        assert trouble == []
