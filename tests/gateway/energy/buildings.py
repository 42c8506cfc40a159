"""Buildings made of known parts: what they use, and the truth about it."""

import csv
from datetime import UTC, date, datetime, timedelta
from math import cos, pi, sqrt
from pathlib import Path
from random import Random

from gateway.energy.et_curve import Day

CAMBRIDGE = Path(__file__).parents[2] / "data/energy_cambridge_b25_hourly.csv"

CHANGE_C, IN_USE_KWH, IDLE_KWH, IN_USE_SLOPE, IDLE_SLOPE = 14.0, 900.0, 500.0, 45.0, 38.0
NOISE_KWH = 60.0


def truth_kwh(celsius: float, in_use: bool) -> float:
    """What the building uses on average on such a day."""
    base, slope = (IN_USE_KWH, IN_USE_SLOPE) if in_use else (IDLE_KWH, IDLE_SLOPE)
    return base + slope * max(0.0, CHANGE_C - celsius)


def building(seed: int, days: int, rho: float, noise_kwh: float = NOISE_KWH) -> list[Day]:
    """Days of a building in a climate like Narvik's; neighbouring days' noise is correlated by `rho`."""
    random = Random(seed)
    noise, weather = random.gauss(0, 1), random.gauss(0, 4)
    found = []
    for i in range(days):
        day = date(2024, 1, 1) + timedelta(days=i)
        noise = rho * noise + sqrt(1 - rho**2) * random.gauss(0, 1)
        weather = 0.7 * weather + sqrt(1 - 0.49) * random.gauss(0, 4)
        celsius = 4 - 9 * cos(2 * pi * (i - 15) / 365.25) + weather
        in_use = day.weekday() < 5
        found.append(Day(day, truth_kwh(celsius, in_use) + noise_kwh * noise, celsius, in_use))
    return found


def cambridge(year: int, column: str = "gas_kWh") -> list[Day]:
    """Whole days (UTC) of the building in Cambridge."""
    days: dict[date, list[tuple[float, float]]] = {}
    with CAMBRIDGE.open() as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["datetime_utc"]).replace(tzinfo=UTC)
            if at.year == year:
                pair = (float(row[column]), float(row["outdoor_temp_degC"]))
                days.setdefault(at.date(), []).append(pair)
    return [
        Day(day, sum(kwh for kwh, _ in hours), sum(c for _, c in hours) / 24, day.weekday() < 5)
        for day, hours in sorted(days.items())
        if len(hours) == 24
    ]
