"""The page in Debian's Chromium over a running town: it lives, says when it does not, and all can read it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from device_configs.loader import SITES
from tools.servers import free_port
from tools.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.browser, pytest.mark.timeout(400)]
CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 90_000


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Town]:
    town = Town(folder, SITES / "narvik-demo", page_port=free_port())
    try:
        await town.start()
        yield town
    finally:
        await town.stop()


@contextlib.asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def measured_at(page: Page, node: int) -> int:
    """When the record that a card shows was measured; 0 while it shows none."""
    found = page.locator(f"#node-{node} .age time")
    return int(await found.get_attribute("data-at") or 0) if await found.count() else 0


async def until_newer(page: Page, before: dict[int, int]) -> None:
    """Wait until each card shows a newer record than before."""
    async with asyncio.timeout(WAIT_MS / 1000):
        for node, at_s in before.items():
            while await measured_at(page, node) <= at_s:  # noqa: ASYNC110
                await asyncio.sleep(0.2)


async def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is."""
    found = await Axe().run(page)
    return [
        f"{v['id']}: {v['help']} {[n['target'] for n in v['nodes'][:3]]}"
        for v in found.response["violations"]
    ]


async def test_the_page_from_live_values_to_the_gateways_end_and_back(tmp_path: Path) -> None:
    async with running(tmp_path) as town, browsing() as browser:
        assert town.gateway
        url = town.gateway.url
        nodes = [node.id for node in town.site.nodes]
        assert len(nodes) == 6
        page = await browser.new_page(locale="nb-NO", viewport={"width": 1280, "height": 900})
        page.set_default_timeout(WAIT_MS)
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(url) else trouble.append(f"asks {r.url}"))
        await page.goto(url)

        # All six update without a reload, twice.
        await until_newer(page, dict.fromkeys(nodes, 0))
        await until_newer(page, {node: await measured_at(page, node) for node in nodes})
        assert await page.locator("article.card").count() == 6
        assert int("".join(filter(str.isdigit, await page.locator("#way .number").first.inner_text()))) > 0

        # Anybody can read it, in both languages and themes; nothing sticks out on a phone.
        intake = f"/node/{nodes[0]}"
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            for path in ("/?lang=nb", "/?lang=en", f"{intake}?lang=nb"):
                await page.goto(url + path)
                assert await page.locator("html").get_attribute("lang") == path[-2:]
                assert await violations(page) == [], f"{path} {scheme}"
        await page.set_viewport_size({"width": 390, "height": 844})
        for path in ("/?lang=nb", intake):
            await page.goto(url + path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.goto(url)
        assert trouble == []

        # The gateway dies, and the page says so; when it is back, the page goes on by itself.
        banner = page.locator(".offline")
        await banner.wait_for(state="hidden", timeout=WAIT_MS)
        await asyncio.to_thread(town.gateway.kill)
        await banner.wait_for(state="visible", timeout=WAIT_MS)
        assert "Ingen kontakt med gatewayen" in await banner.inner_text()
        before = {node: await measured_at(page, node) for node in nodes}
        await asyncio.to_thread(town.gateway.start)
        await banner.wait_for(state="hidden", timeout=WAIT_MS)
        await until_newer(page, before)
