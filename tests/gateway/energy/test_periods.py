from datetime import date

import pytest

from gateway.energy.hours import Hour
from gateway.energy.periods import (
    Kind,
    first_day,
    hours_in,
    label_of,
    local_day,
    next_first,
    start_of,
    totals,
)
from tests.gateway.energy.series import OSLO, at, local, run


def test_days_of_23_and_25_hours() -> None:
    assert hours_in(date(2026, 3, 29), OSLO) == 23
    assert hours_in(date(2026, 10, 25), OSLO) == 25
    assert hours_in(date(2026, 11, 24), OSLO) == 24
    assert start_of(date(2026, 3, 29), OSLO) == at("2026-03-28 23:00")
    assert start_of(date(2026, 3, 30), OSLO) == at("2026-03-29 22:00")


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_each_hour_of_such_a_day_counts_once(day: date, hours: int) -> None:
    series = run(start_of(day, OSLO) - 3600, *[100] * 30)
    (total,) = totals(series, "day", OSLO, day, next_first(day, "day"))
    assert (total.label, total.wh, total.hours, total.expected) == (str(day), hours * 100, hours, hours)
    assert total.coverage == 1


def test_midnight_is_local() -> None:
    assert local_day(at("2026-01-31 23:00"), OSLO) == date(2026, 2, 1)
    assert local_day(at("2026-07-31 22:00"), OSLO) == date(2026, 8, 1)
    assert local_day(at("2026-07-31 21:59"), OSLO) == date(2026, 7, 31)


@pytest.mark.parametrize(
    ("day", "kind", "first", "following", "label"),
    [
        (date(2026, 1, 1), "day", date(2026, 1, 1), date(2026, 1, 2), "2026-01-01"),
        (date(2026, 1, 1), "week", date(2025, 12, 29), date(2026, 1, 5), "2026-W01"),
        (date(2027, 1, 3), "week", date(2026, 12, 28), date(2027, 1, 4), "2026-W53"),
        (date(2024, 2, 29), "month", date(2024, 2, 1), date(2024, 3, 1), "2024-02"),
        (date(2026, 12, 31), "month", date(2026, 12, 1), date(2027, 1, 1), "2026-12"),
        (date(2024, 12, 31), "year", date(2024, 1, 1), date(2025, 1, 1), "2024"),
    ],
)
def test_calendar(day: date, kind: Kind, first: date, following: date, label: str) -> None:
    assert (first_day(day, kind), next_first(first, kind), label_of(first, kind)) == (first, following, label)


def test_months_of_a_year_have_8760_hours_and_miss_nothing() -> None:
    start = start_of(date(2026, 1, 1), OSLO)
    series = run(start, *[1] * 8760)
    months = totals(series, "month", OSLO, date(2026, 1, 1), date(2027, 1, 1))
    assert [month.wh for month in months] == [744, 672, 743, 720, 744, 720, 744, 744, 720, 745, 720, 744]
    assert [month.label for month in months][:2] == ["2026-01", "2026-02"]
    (year,) = totals(series, "year", OSLO, date(2026, 1, 1), date(2027, 1, 1))
    assert (year.wh, year.expected, year.coverage, year.kwh) == (8760, 8760, 1, 8.76)


def test_a_gap_is_seen_and_is_not_zero() -> None:
    series = [Hour(local("2026-01-02 00:00"), 500, True)]
    first, second, third = totals(series, "day", OSLO, date(2026, 1, 1), date(2026, 1, 4))
    assert (first.hours, first.coverage) == (0, 0)
    assert (second.wh, second.hours, second.estimated, second.expected) == (500, 1, 1, 24)
    assert third.hours == 0


def test_a_period_cut_off_expects_only_its_part() -> None:
    (week,) = totals([], "week", OSLO, date(2026, 3, 28), date(2026, 3, 30))
    assert (week.label, week.expected) == ("2026-W13", 24 + 23)


def test_hours() -> None:
    (first, *_, last) = totals(
        [Hour(local("2026-10-25 02:00"), 7)], "hour", OSLO, date(2026, 10, 25), date(2026, 10, 26)
    )
    assert (first.label, first.hours, last.label) == ("2026-10-24T22:00Z", 0, "2026-10-25T22:00Z")
    found = totals([Hour(local("2026-10-25 02:00"), 7)], "hour", OSLO, date(2026, 10, 25), date(2026, 10, 26))
    assert [total.wh for total in found if total.hours] == [7]
    assert len(found) == 25
