"""Two buildings of the demonstration site with two years behind them, for the tests of the energy pages."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from device_configs.building_schema import OutdoorTemperature
from device_configs.loader import SITES, load_site
from device_configs.model import Site
from gateway.energy.et_curve import Day
from gateway.energy.given import Given
from gateway.energy.periods import hours_in, start_of
from gateway.store.energy_book import TEMPERATURE, Answer, EnergyBook, Series
from tests.gateway.energy.buildings import building

OSLO = ZoneInfo("Europe/Oslo")
TODAY = date(2025, 12, 20)
NOW_S = datetime(2025, 12, 20, 10, 20, tzinfo=UTC).timestamp()
SHAPE = (
    60,
    60,
    60,
    60,
    60,
    70,
    90,
    120,
    140,
    145,
    145,
    140,
    135,
    135,
    130,
    125,
    115,
    100,
    90,
    85,
    80,
    75,
    70,
    65,
)


def site() -> Site:
    """The demonstration site, with outdoor temperatures of an imported series and a measure from 2025 on."""
    demo = load_site(SITES / "narvik-demo")
    outdoor = OutdoorTemperature(series="airport")
    buildings = tuple(b.model_copy(update={"outdoor_temperature": outdoor}) for b in demo.buildings)
    change = {"since": date(2025, 1, 1), "proof": "measured"}
    measures = tuple(i.model_copy(update=change) for i in demo.initiatives)
    events = tuple(
        e.model_copy(update={"first_day": date(2025, 3, 7), "last_day": date(2025, 3, 16)})
        for e in demo.events
    )
    return replace(demo, buildings=buildings, initiatives=measures, events=events)


def hourly(days: list[Day], seed: int) -> list[Given]:
    """A day's energy in the shape of a day in use, or flat; a few hours are missing, a few estimated."""
    random = Random(seed)
    found = []
    for day in days:
        hours = hours_in(day.day, OSLO)
        shape = [
            (SHAPE[i * 24 // hours] if day.in_use else 80) * random.uniform(0.92, 1.08) for i in range(hours)
        ]
        start = start_of(day.day, OSLO)
        for i, part in enumerate(shape):
            status = "estimated" if random.random() < 0.004 else "measured"
            wh = round(day.kwh * 1000 * part / sum(shape))
            if not (day.day.day == 17 and day.day.month == 12 and i < 5 and seed == 2):
                found.append(Given(start + 3600 * i, start + 3600 * (i + 1), wh, status))
    return found


def changed(day: Day) -> float:
    """The town hall's energy on a day: with its measure, and with what is wrong of late."""
    kwh = day.kwh * (0.88 if day.day.year == 2025 else 1)
    return kwh + (450 if day.day >= date(2025, 12, 10) else 0)


def fill(state: Path) -> None:
    """Write the book: the town hall saves 12 % since 2025 and stands out since 10 December 2025."""
    begin = date(2024, 1, 1)
    length = (TODAY - begin).days
    weather = building(41, length, 0.4)
    with EnergyBook.write(state, 1) as book:
        for seed, name in ((1, "radhuset"), (2, "idrettens-hus")):
            days = building(41, length, 0.4) if seed == 1 else building(41, length, 0.35, noise_kwh=45.0)
            if seed == 1:
                days = [Day(d.day, changed(d), d.celsius, d.in_use) for d in days]
            book.take([(Series(name, "electricity", "main"), hourly(days, seed))], "a.csv", "00", "Elhub", 1)
        cold = [
            Given(start_of(d.day, OSLO), start_of(d.day + timedelta(days=1), OSLO), round(100 * d.celsius))
            for d in weather
        ]
        book.take([(Series("airport", TEMPERATURE, "main"), cold)], "t.csv", "00", "MET", 1)
        book.answer(Answer("radhuset", "known", "Tørking etter lekkasje", "Vaktmester", 2))
