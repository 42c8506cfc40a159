"""The energy pages in Debian's Chromium: nothing wrong by axe, nothing cut, in both languages and themes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright

from gateway.model import RegisterEvent, StoredRecord
from gateway.web.desk import Desk
from gateway.web.door import Door
from gateway.web.energy_view import EnergyView
from gateway.web.guard import Guard
from gateway.web.live import Live
from gateway.web.pages import Pages
from gateway.web.users import FILE_NAME, User, hashed, write_users
from tests.gateway.web.energy_made import NOW_S, fill, site
from tools.servers import free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
CHROMIUM = "/usr/bin/chromium"
PASSWORD = "en lang setning"
WAIT_MS = 90_000
PATHS = ("/energy", "/energy/radhuset", "/energy-report", "/energy-compare", "/measures")


def records(node: int, from_s: int, to_s: int) -> Iterator[StoredRecord]:
    """The town hall's port shows 165 kW: a new peak. The other one's shows 1 kW."""
    for at_s in range(from_s + 30, to_s, 60):
        values = (165_000 if node == 31 else 1000, *[None] * 13)
        quality = (0, *[1] * 13)
        yield StoredRecord(1, node, 1, 1, at_s, 0, 1, 3, values, quality, "mqtt", None, None, False)


@contextlib.asynccontextmanager
async def serving(state: Path) -> AsyncIterator[str]:
    fill(state)
    write_users(state / FILE_NAME, {"Drift": User("operator", hashed(PASSWORD))})
    at_s = int(NOW_S) - 3 * 86_400
    swap = RegisterEvent(31, 1, at_s, at_s, "swap", None, None, ((2, 5_000_000, 4_210),), at_s * 1000)
    view = EnergyView(site(), state, lambda: NOW_S, records, lambda: [swap])
    door = Door(state)
    desk = Desk(site(), state, door, None, clock=lambda: NOW_S)
    pages = Pages(site(), Live(site(), 600), clock=lambda: NOW_S, energy=view, desk=desk)
    port = free_port()
    config = uvicorn.Config(
        Guard(door.guard(pages.app), frozenset()),
        port=port,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        pages.hub.close()
        server.should_exit = True
        await running


async def violations(page: Page) -> list[str]:
    found = await Axe().run(page)
    return [f"{v['id']}: {[n['target'] for n in v['nodes'][:3]]}" for v in found.response["violations"]]


async def test_pages(tmp_path: Path) -> None:
    async with serving(tmp_path) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        trouble: list[str] = []
        for language, theme, width in (("nb", "light", 1280), ("en", "dark", 390)):
            page = await browser.new_page(viewport={"width": width, "height": 900})
            page.set_default_timeout(WAIT_MS)
            page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: trouble.append(str(error)))
            page.on("request", lambda r: None if r.url.startswith(url) else trouble.append(f"asks {r.url}"))
            for path in PATHS:
                answer = await page.goto(f"{url}{path}?lang={language}&theme={theme}")
                assert answer is not None
                assert answer.status == 200
                assert await violations(page) == [], (path, language, theme)
                if path == "/energy/radhuset":  # what happened to its meter is marked, and can be gone to
                    assert await page.locator(".heat .ring-name").count() == 1
                    await page.locator(".marked a").click()
                    await page.wait_for_url("**#note-31-*")
                    assert await page.locator(".notes li:target").count() == 1
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, language, wide)
            await page.close()
        assert trouble == []
        await browser.close()


async def test_from_the_ranking_to_a_month_and_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(locale="nb-NO")
        page.set_default_timeout(WAIT_MS)
        await page.goto(url)
        await page.get_by_role("link", name="Energi").click()
        first = page.locator(".buildings tbody tr").first
        assert "Rådhuset" in await first.inner_text()
        await first.get_by_role("link").click()
        assert "Timen blir en ny topp" in await page.locator(".hour").inner_text()
        assert "kWh. Det vil koste" in await page.locator(".hour").inner_text()
        # The dots are drawn where they can be seen: a day is a dot of some pixels.
        box = await page.locator(".et .plot").bounding_box()
        assert box is not None
        assert box["width"] > 300
        await page.get_by_role("link", name="Måneden før").click()
        await page.wait_for_url("**/energy/radhuset?month=202511**")
        assert await page.locator(".hour").count() == 0
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name="Last ned som CSV").click()
        download = await waiting.value
        assert download.suggested_filename == "narvik-demo-radhuset-energy.csv"
        await page.get_by_role("link", name="Alle bygg").click()
        await page.get_by_role("link", name="Tiltak").click()
        assert "Sparer" in await page.locator(".measure").inner_text()
        await browser.close()


async def test_days_comparison_and_an_answer_without_script(tmp_path: Path) -> None:
    async with serving(tmp_path) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(locale="nb-NO", java_script_enabled=False)
        page = await context.new_page()
        page.set_default_timeout(WAIT_MS)
        await page.goto(f"{url}/energy/radhuset")
        await page.get_by_role("link", name="Helg og helligdag").click()
        assert "days=weekends" in page.url
        await page.goto(f"{url}/energy")
        await page.get_by_role("link", name="Sammenlikn").click()
        await page.locator("#b").select_option("idrettens-hus")
        await page.locator("#months").select_option("3")
        await page.get_by_role("button", name="Sammenlikn").click()
        assert "months=3" in page.url
        assert "Idrettens hus" in await page.locator("thead").inner_text()
        await page.goto(f"{url}/energy/radhuset")
        await page.get_by_role("link", name="Logg inn for å svare").click()
        await page.locator("#name").fill("Drift")
        await page.locator("#password").fill(PASSWORD)
        await page.locator("main button").click()
        await page.locator("summary", has_text="Svar på avviket").click()
        await page.locator("#status").select_option("fixed")
        await page.locator("#note").fill("Varmekabelen er av")
        await page.get_by_role("button", name="Før opp svaret").click()
        assert "Svaret er ført opp." in await page.locator("main").inner_text()
        assert "rettet (Varmekabelen er av)" in await page.locator("main").inner_text()
        cookies = await context.cookies()
        await context.close()
        context = await browser.new_context(locale="nb-NO")
        await context.add_cookies(cookies)  # type: ignore[arg-type]
        page = await context.new_page()
        page.set_default_timeout(WAIT_MS)
        await page.goto(f"{url}/energy/radhuset?days=weekends")
        await page.locator("summary", has_text="Svar på avviket").click()
        assert await violations(page) == []
        await browser.close()
