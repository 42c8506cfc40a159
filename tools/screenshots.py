"""`./run screenshots`: runs the demo's story and takes pictures of the page, for the README and the docs."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from playwright.async_api import Browser, async_playwright

from device_configs.loader import SITES
from gateway.web.users import FILE_NAME, User, hashed, write_users
from tools.energy_history import write_history
from tools.png import smaller
from tools.radio_site import INTERVAL_S, VALLEY, by_radio
from tools.servers import ServerError, free_port
from tools.story import story
from tools.town import Town

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
CHROMIUM = Path("/usr/bin/chromium")
SECONDS = 84.0  # of the story: a grate has clogged and nobody has cleaned it yet
OPERATOR, PASSWORD = "Vakt veg", secrets.token_urlsafe(12)
BYTES_MAX = 200_000
SETTLE_MS = 1500


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its file's name, what is opened, how large the window is, and which theme is asked for."""

    name: str
    path: str
    width: int
    height: int
    dark: bool = False
    whole: bool = False  # the whole page instead of what the window shows
    logged_in: bool = False  # as an operator


ALL = (
    Picture("live", "/?lang=nb", 1280, 900, whole=True),
    Picture("live-dark-en", "/?lang=en", 1280, 900, dark=True, whole=True),
    Picture("live-phone", "/?lang=nb", 390, 844),
    Picture("live-wall", "/?lang=nb&view=wall", 1920, 1080, dark=True),
    Picture("site", "/node/{intake}?lang=nb", 1280, 900),
    Picture("alerts", "/alerts?lang=nb", 1280, 900, logged_in=True),
    Picture("alerts-phone-dark", "/alerts?lang=nb", 390, 844, dark=True, logged_in=True),
    Picture("nodes", "/nodes?lang=nb", 1280, 900),
    Picture("energy", "/energy?lang=nb", 1280, 900),
    Picture("building", "/energy/{building}?lang=nb", 1280, 900),
    Picture("data-en", "/data?lang=en", 1280, 900, whole=True),
)


async def take(browser: Browser, url: str, picture: Picture, folder: Path) -> Path:
    """Take one picture of the page at `url`; return its file."""
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
        locale="nb-NO",
    )
    try:
        page = await context.new_page()
        if picture.logged_in:
            await page.goto(urljoin(url, "/login"))
            await page.fill("#name", OPERATOR)
            await page.fill("#password", PASSWORD)
            await page.press("#password", "Enter")
        await page.goto(url)
        await page.wait_for_timeout(SETTLE_MS)
        file = folder / f"{picture.name}.png"
        await page.screenshot(path=file, full_page=picture.whole)
        return file
    finally:
        await context.close()


async def tell_story(town: Town, seconds: float) -> None:
    """Let the demo's events happen for so long."""
    begun, events = time.monotonic(), story(town)
    while (passed := time.monotonic() - begun) < seconds:
        while events and events[0].at_s <= passed:
            event = events.pop(0)
            _say(f"{passed:4.0f} s   {event.text}")
            await event.act()
        await asyncio.sleep(0.2)


async def run(folder: Path, seconds: float, pictures: Sequence[Picture] = ALL) -> list[Path]:
    """Start a town, tell its story, and take the pictures. Raises ServerError, TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="sensornett-") as place:
        port = free_port()
        site = by_radio(SITES / "narvik-demo", Path(place) / "site")
        town = Town(Path(place), site, lora_interval_s=INTERVAL_S, valley=VALLEY, page_port=port)
        intake = next(node.id for node in town.site.nodes if node.profile.name == "intake")
        building = town.site.buildings[0].id
        try:
            await town.start()
            state = Path(place) / "gateway"
            write_users(state / FILE_NAME, {OPERATOR: User("operator", hashed(PASSWORD))})
            await asyncio.to_thread(write_history, state, town.site, time.time())
            await tell_story(town, seconds)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", "--disable-lcd-text"]
                )
                found = []
                for picture in pictures:
                    url = f"http://127.0.0.1:{port}{picture.path.format(intake=intake, building=building)}"
                    found.append(await take(browser, url, picture, folder))
                await browser.close()
                return found
        finally:
            await town.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./run screenshots", description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES, metavar="DIR", help="where to write them")
    parser.add_argument(
        "--after", type=float, default=SECONDS, metavar="SECONDS", help="how far into the story"
    )
    given = parser.parse_args(arguments)
    if not CHROMIUM.exists():
        _say(f"{CHROMIUM} is missing. Install it with: sudo apt-get install chromium")
        return 1
    given.to.mkdir(parents=True, exist_ok=True)
    try:
        files = asyncio.run(run(given.to, given.after))
    except (ServerError, TimeoutError) as error:
        _say(str(error))
        return 1
    for file in files:
        file.write_bytes(smaller(file.read_bytes()))
        size = file.stat().st_size
        _say(f"{file}  {size / 1000:.0f} kB" + ("  larger than 200 kB" if size > BYTES_MAX else ""))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
