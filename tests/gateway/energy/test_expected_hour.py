"""What to expect of an hour: the day's expectation in the hour's share."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.energy.et_curve import Day, fit
from gateway.energy.expected_hour import SHAPE_LEAST, expected_hours
from gateway.energy.figures import InUse
from gateway.energy.hours import Hour
from gateway.energy.periods import start_of

OSLO = ZoneInfo("Europe/Oslo")
FIRST = date(2026, 1, 5)  # a Monday
USE = InUse(weekdays=(0, 1, 2, 3, 4), from_h=7, to_h=16)


def building(count: int = 120) -> tuple[list[Day], list[Hour]]:
    """Days of 24 kWh and 2 for each degree below 15; on days in use all of it from 8 to 16."""
    days, hours = [], []
    for i in range(count):
        day = FIRST + timedelta(days=i)
        celsius = float(i * 7 % 23 - 9)
        kwh = 24 + 2 * max(0.0, 15 - celsius) + (i % 3 - 1) * 0.5
        used = USE.on(day)
        days.append(Day(day, kwh, celsius, used))
        for h in range(24):
            share = (1 / 8 if 8 <= h < 16 else 0.0) if used else 1 / 24
            hours.append(Hour(start_of(day, OSLO) + 3600 * h, round(1000 * kwh * share)))
    return days, hours


def test_an_hour_has_its_share_of_the_day() -> None:
    days, hours = building(80)
    curve = fit(days)
    found = expected_hours(curve, days, hours, OSLO, USE)
    assert found
    assert found.celsius == days[-1].celsius
    noon = datetime(2026, 3, 2, 11, 30, tzinfo=UTC).timestamp()  # 12:30 on a Monday
    low, high = found.at(noon) or (0, 0)
    expected = curve.expected_kwh(found.celsius, True)
    assert (low + high) / 2 == pytest.approx(1000 * expected / 8, rel=0.01)
    assert low < high
    assert found.at(noon + 10 * 3600) == (0, 0)  # nobody is there
    sunday = found.at(noon - 86_400) or (0, 0)
    assert sum(sunday) / 2 == pytest.approx(1000 * curve.expected_kwh(found.celsius, False) / 24, rel=0.01)


def test_without_days_of_a_sort_nothing_is_expected_of_them() -> None:
    days, hours = building(80)
    workdays = [day for day in days if day.in_use]
    found = expected_hours(fit(workdays), workdays, hours, OSLO, USE)
    assert found
    assert found.at(datetime(2026, 3, 1, 11, tzinfo=UTC).timestamp()) is None
    assert SHAPE_LEAST > 1
    assert expected_hours(fit(workdays), [], hours, OSLO, USE) is None
