"""Two years behind the demonstration's buildings, so that the energy pages have something to show at once.

A recorded building (tests/data/SOURCES.md), up to yesterday; moved by whole weeks, so Mondays stay Mondays.
Invented on top, as every page says: the second building, an effect of each measure on nights and weekends,
and a heating cable left on at the first building of late.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from device_configs.model import Site
from gateway.energy.given import Given
from gateway.energy.hours import HOUR_S
from gateway.energy.periods import start_of
from gateway.store.energy_book import TEMPERATURE, EnergyBook, Series
from hardware.virtual.recordings import Recording, cambridge_energy

RECORDING = Path(__file__).parents[1] / "tests/data/energy_cambridge_b25_hourly.csv"
WEEK_S = 7 * 86_400
COLDER_C = 9.0  # from Cambridge to Narvik, roughly
SAVED_SHARE = 0.2  # of nights and weekends, since a measure
LEFT_ON_DAYS, LEFT_ON_W = 9, 22_000


def write_history(state: Path, site: Site, now_s: float) -> int:
    """Fill energy.db in the state directory; return how many hours were written. Raises StoreError."""
    recording = cambridge_energy(RECORDING)
    zone = ZoneInfo(site.timezone)
    today = datetime.fromtimestamp(now_s, zone).date()
    end_s = start_of(today, zone)
    shift_s = -(int(recording["power_w"].times_s[-1] - end_s) // WEEK_S * WEEK_S)
    names = {b.outdoor_temperature.series for b in site.buildings if b.outdoor_temperature}
    written = 0
    with EnergyBook.write(state, int(now_s * 1000)) as book:
        values = [
            (Series(name, TEMPERATURE, "main"), _temperatures(recording, shift_s, end_s))
            for name in names
            if name
        ]
        for i, building in enumerate(site.buildings):
            since = [m.since for m in site.initiatives if m.building == building.id]
            left_on = start_of(today - timedelta(days=LEFT_ON_DAYS), zone) if i == 0 else None
            hours = _hours(
                recording, "power_w" if i % 2 == 0 else "gas_w", (shift_s, end_s), zone, since, left_on
            )
            values.append((Series(building.id, "electricity", "main"), hours))
        for outcome in book.take(values, RECORDING.name, "", "demo", int(now_s * 1000)):
            written += outcome.new
    return written


def _temperatures(recording: Recording, shift_s: int, end_s: int) -> list[Given]:
    series = recording["outdoor_c"]
    return [
        Given(start, start + HOUR_S, round(100 * (celsius - COLDER_C)))
        for at, celsius in zip(series.times_s, series.values, strict=True)
        if (start := int(at) + shift_s) < end_s
    ]


def _hours(
    recording: Recording,
    column: str,
    shift_and_end_s: tuple[int, int],
    zone: ZoneInfo,
    since: list[date],
    left_on_s: int | None,
) -> list[Given]:
    shift_s, end_s = shift_and_end_s
    found = []
    for at, recorded_w in zip(recording[column].times_s, recording[column].values, strict=True):
        start = int(at) + shift_s
        if start >= end_s:
            break
        watt = recorded_w if column == "power_w" else 18_000 + 6 * recorded_w
        local = datetime.fromtimestamp(start, UTC).astimezone(zone)
        idle = local.weekday() >= 5 or not 6 <= local.hour < 18
        if idle and any(day <= local.date() for day in since):
            watt *= 1 - SAVED_SHARE
        if left_on_s is not None and start >= left_on_s:
            watt += LEFT_ON_W
        found.append(Given(start, start + HOUR_S, round(watt)))
    return found
