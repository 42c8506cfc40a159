"""What every `sensornett energy` command begins with: the site, what its nodes measured, what others gave."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import apsw
import typer

from device_configs.loader import load_site
from device_configs.model import Site
from gateway.buildings import BuildingEnergy, Sources
from gateway.model import StoredRecord
from gateway.store import STORE_NAME, Reader, StoreError
from gateway.store.damage import blamed
from gateway.store.energy_book import FILE_NAME as BOOK
from gateway.store.energy_book import HINT, EnergyBook
from gateway.store.meter_hours import FILE_NAME as METERS
from gateway.store.meter_hours import MeterHours, wanted

FAILED, USAGE = 1, 2

SiteDir = Annotated[Path, typer.Option("--site", help="The site's folder.", show_default=False)]
StateDir = Annotated[Path, typer.Option("--state", help="The gateway's state directory.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="CSV on standard output.")]
Which = Annotated[str | None, typer.Option("--building", help="Only this building, by its id.")]
From = Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")]
To = Annotated[str | None, typer.Option("--to", help="The day after the last one, YYYY-MM-DD.")]


@contextmanager
def opened(site_dir: Path, state: Path) -> Iterator[Sources]:
    """Open everything for reading; ends the program with one line where that fails."""
    site = load_site(site_dir)
    with ExitStack() as stack:
        try:
            meter_hours = MeterHours.read(state)
            if meter_hours is None:
                meter_hours = MeterHours.open(None, now_ms())
                if (state / STORE_NAME).exists():
                    reader = stack.enter_context(Reader.open(state / STORE_NAME))
                    meter_hours.follow(reader, wanted(site))
            stack.enter_context(meter_hours)
            book = EnergyBook.read(state)
            if book is not None:
                stack.enter_context(book)
        except StoreError as error:
            fail(str(error))
        try:
            yield Sources(site, meter_hours, book)
        except apsw.Error as error:
            fail(str(blamed([state / METERS, state / BOOK], error, HINT)))


def records_of(state: Path) -> Callable[[int, int, int], list[StoredRecord]]:
    """Return what reads a node's records between two moments; nothing where no gateway has stored any yet."""

    def read(node: int, from_s: int, to_s: int) -> list[StoredRecord]:
        if not (state / STORE_NAME).exists():
            return []
        with Reader.open(state / STORE_NAME) as reader:
            return reader.history(node, from_s, to_s)

    return read


def chosen(sources: Sources, name: str | None) -> list[BuildingEnergy]:
    """Return the buildings asked for."""
    if name is None:
        return sources.buildings()
    try:
        return [sources.building(name)]
    except KeyError:
        known = ", ".join(building.id for building in sources.site.buildings)
        fail(f"buildings.yaml has no building `{name}`; it has: {known}", USAGE)


def today(site: Site) -> date:
    """Return the local date."""
    return datetime.now(ZoneInfo(site.timezone)).date()


def day(text: str | None, otherwise: date) -> date:
    """Return a day from the command line."""
    if text is None:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"`{text}` is no day: write it like 2026-03-01", USAGE)


def span(site: Site, from_: str | None, to: str | None) -> tuple[date, date]:
    """Return the days asked for; left out: the last twelve months and the running one."""
    end = day(to, today(site) + timedelta(days=1))
    begin = day(from_, (end - timedelta(days=366)).replace(day=1))
    if begin >= end:
        fail(f"{begin} is not before {end}", USAGE)
    return begin, end


def now_ms() -> int:
    return int(time.time() * 1000)


def fail(text: str, code: int = FAILED) -> NoReturn:
    typer.echo(text, err=True)
    sys.exit(code)
