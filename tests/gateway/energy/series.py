"""Short ways to write series in tests."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.energy.hours import Hour

OSLO = ZoneInfo("Europe/Oslo")


def at(text: str) -> int:
    """UTC seconds of "2026-01-31 13:00", which is UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local(text: str) -> int:
    """UTC seconds of a time on a clock in Oslo; of two, the first."""
    return int(datetime.fromisoformat(text).replace(tzinfo=OSLO).timestamp())


def run(start_s: int, *wh: int, estimated: bool = False) -> list[Hour]:
    """Hours one after the other."""
    return [Hour(start_s + 3600 * i, energy, estimated) for i, energy in enumerate(wh)]
