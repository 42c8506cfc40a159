"""Alerts, nodes and open data in Debian's Chromium over a running town: acted on, and published."""

import asyncio
import contextlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

import tools.story
from gateway.control import SOCKET_NAME, request
from gateway.web.users import FILE_NAME, User, hashed, write_users
from tests.e2e.living_town import NARVIK, heard, running
from tools.cli import main
from tools.story import story
from tools.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.browser, pytest.mark.timeout(400)]
CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 90_000
NAME, PASSWORD = "Vakt veg", "en lang setning"
INTAKE = 11


async def violations(page: Page) -> list[str]:
    found = await Axe().run(page)
    return [f"{v['id']}: {[n['target'] for n in v['nodes'][:3]]}" for v in found.response["violations"]]


async def raised(town: Town) -> str:
    """Wait until the gateway says that the grate is clogged."""
    path = town.folder / "gateway" / SOCKET_NAME
    async with asyncio.timeout(60):
        while True:
            told = await asyncio.to_thread(request, path, {"do": "alerts_list"})
            for alert in told["standing"]:
                if alert["priority"] == "alarm":
                    return str(alert["id"])
            await asyncio.sleep(0.3)


async def looked_at(browser: Browser, url: str, logged_in: bool = True) -> None:
    """Every page by axe, in both languages and themes; nothing sticks out on a phone."""
    for language, theme, width in (("nb", "light", 1280), ("en", "dark", 390)):
        page = await browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(WAIT_MS)
        if logged_in:
            await log_in(page, url)
        paths = (
            "/alerts",
            "/rounds",
            "/nodes",
            f"/nodes/{INTAKE}/sheet",
            "/data",
            "/accessibility",
            "/login",
        )
        for path in paths:
            answer = await page.goto(f"{url}{path}?lang={language}&theme={theme}")
            assert answer is not None
            assert answer.status == 200
            assert await violations(page) == [], (path, language, theme)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, language, wide)
        await page.goto(f"{url}/nodes/{INTAKE}/sheet?lang={language}")
        printed = await page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1  # one A4
        await page.close()


async def log_in(page: Page, url: str) -> None:
    await page.goto(f"{url}/login?lang=nb")
    await page.fill("#name", NAME)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url("**/alerts*")


@contextlib.contextmanager
def bare_server(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_taken_by_phone_and_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.story, "CLOG_TAKES_S", 15.0)
    async with running(tmp_path, only=[INTAKE]) as town, async_playwright() as playwright:
        assert town.gateway
        url, state = town.gateway.url, tmp_path / "gateway"
        write_users(state / FILE_NAME, {NAME: User("operator", hashed(PASSWORD))})
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        await heard(town, 3)
        await next(event for event in story(town) if "clog" in event.text).act()
        alert = await raised(town)

        # Taken without any script, on a phone, with gloves on; gateway and log know who did.
        context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
        phone = await context.new_page()
        phone.set_default_timeout(WAIT_MS)
        await log_in(phone, url)
        for button in await phone.locator(".acts > form > .act, .acts > details > .act").all():
            box = await button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 48
        await phone.get_by_role("button", name="Jeg tar den").first.click()
        assert f"{NAME} har den" in await phone.locator(".alert").first.inner_text()
        told = await asyncio.to_thread(request, state / SOCKET_NAME, {"do": "alerts_list"})
        assert NAME in [a["acknowledged_by"] for a in told["standing"]]
        assert f'"alert": "{alert}"' in (state / "audit.jsonl").read_text()
        await context.close()

        await looked_at(browser, url)

        # The public copy: made beside the gateway, read when it is gone.
        folder = tmp_path / "public"
        words = [
            "publish",
            "--site",
            str(NARVIK),
            "--state",
            str(state),
            "--to",
            str(folder),
            "--interval",
            "4",
        ]
        assert await asyncio.to_thread(main, words) == 0
        await asyncio.to_thread(town.gateway.kill)
        with bare_server(folder) as copy:
            page = await browser.new_page(viewport={"width": 390, "height": 844})
            page.set_default_timeout(WAIT_MS)
            trouble: list[str] = []
            page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
            page.on("request", lambda r: None if r.url.startswith(copy) else trouble.append(f"asks {r.url}"))
            for path in ("/", "/en/index.html", f"/nb/node-{INTAKE}.html", "/en/data.html"):
                await page.goto(copy + path)
                assert await violations(page) == [], path
            await page.goto(copy)
            text = await page.locator("body").inner_text()
            assert "Offentlig kopi" in text
            assert NAME not in text
            await page.get_by_role("link", name="Taraldsvikelva (demo)").first.click()
            await page.get_by_role("link", name="Åpne data").click()
            assert trouble == []
            latest = json.loads((folder / "data" / "latest.geojson").read_text())
            assert latest["features"][0]["properties"]["values"]["up_level_mm"]["unit"] == "cm"
        await browser.close()
        await asyncio.to_thread(town.gateway.start)
