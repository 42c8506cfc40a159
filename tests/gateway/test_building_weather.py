"""Correction by degree days, with months whose figures are known."""

from datetime import date, timedelta

import pytest

from gateway.building_weather import in_normal_weather
from gateway.energy.et_curve import Day
from gateway.energy.periods import hours_in, start_of
from tests.gateway.energy.series import OSLO
from tests.gateway.test_building_report import energy


def test_normal_weather_by_hand() -> None:
    """January twice, 10 °C colder the second time. A day needs 100 kWh, and 10 for each °C below 15."""
    one = energy([])
    temperatures: dict[int, float] = {}
    days = []
    for year, celsius in ((2024, 5.0), (2025, -5.0)):
        for i in range(365):
            day = date(year, 1, 1) + timedelta(days=i)
            degrees = celsius if day.month == 1 else 5.0 + 15 * (i % 2)
            days.append(Day(day, 100 + 10 * max(0.0, 15 - degrees), degrees))
            start = start_of(day, OSLO)
            temperatures |= {start + 3600 * h: degrees for h in range(hours_in(day, OSLO))}
    one.__dict__.update(days=days, temperatures=temperatures)
    found = in_normal_weather(one, date(2025, 1, 1), date(2025, 2, 1))
    assert found is not None
    # 31 days of 300 kWh, two thirds of it heat. Degree days at 17 °C: 22 a day, (12 + 22) / 2 in the mean.
    assert (found.degree_days, found.normal_degree_days, found.years) == (31 * 22, 31 * 17, 2)
    assert found.dependent_share == pytest.approx(2 / 3, abs=0.01)
    assert found.kwh == pytest.approx(31 * (100 + 200 * 17 / 22), rel=0.01)
    assert in_normal_weather(one, date(2024, 1, 1), date(2024, 2, 1)) is None  # 31 days tell nothing
    one.__dict__["days"] = days[:-335]
    assert in_normal_weather(one, date(2025, 2, 1), date(2025, 3, 1)) is None
