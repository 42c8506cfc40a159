from datetime import date, timedelta

import pytest

from gateway.energy.deviations import Deviation, above_since, deviation, ranked
from gateway.energy.et_curve import Day, fit
from tests.gateway.energy.buildings import building


def more(days: list[Day], kwh: float) -> list[Day]:
    return [Day(day.day, day.kwh + kwh, day.celsius, day.in_use) for day in days]


def test_a_building_left_running_stands_out() -> None:
    days = building(21, 395, 0.3)
    curve = fit(days[:365])
    week = more(days[365:372], 400)
    found = deviation("town-hall", curve, week, ore_per_kwh=120)
    assert found is not None
    assert found.stands_out
    assert found.kwh == pytest.approx(2800, abs=found.band_kwh)
    assert found.ore == round(found.kwh * 120)
    assert found.since == week[0].day
    assert found.outside == 7


def test_an_ordinary_week_does_not() -> None:
    days = building(22, 395, 0.3)
    curve = fit(days[:365])
    expected = [
        Day(d.day, curve.expected_kwh(d.celsius, d.in_use), d.celsius, d.in_use) for d in days[365:372]
    ]
    found = deviation("town-hall", curve, more(expected, 30))
    assert found is not None
    assert not found.stands_out
    assert (found.since, found.ore) == (None, None)


def test_the_band_of_two_weeks_holds_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(200):
        days = building(seed + 500, 379, 0.5)
        found = deviation("town-hall", fit(days[:365]), days[365:])
        assert found is not None
        inside += abs(found.kwh) <= found.band_kwh
    assert 0.85 <= inside / 200 <= 0.95


def test_since_when() -> None:
    days = building(23, 395, 0.3)
    curve = fit(days[:365])
    last = days[365:372]
    assert above_since(curve, [*last[:4], *more(last[4:], 500)]) == last[4].day
    assert above_since(curve, [*more(last[:6], 500), last[6]]) is None
    assert above_since(curve, [*more(last[:3], 500), *more(last[4:], 500)]) == last[4].day
    assert above_since(curve, []) is None
    assert deviation("x", curve, []) is None


def test_ranking_is_by_what_deserves_attention_not_by_size() -> None:
    def made(name: str, kwh: float, band: float, ore: int | None) -> Deviation:
        day = date(2026, 1, 1)
        return Deviation(name, day, day + timedelta(days=6), 7, kwh, band, 9999, 0, None, ore)

    found = ranked(
        [
            made("large but within its band", 900, 1000, 90_000),
            made("small", 100, 50, 10_000),
            made("dear", 300, 50, 30_000),
            made("saves", -500, 50, -50_000),
            made("no price", 200, 50, None),
        ]
    )
    assert [d.building for d in found] == ["dear", "small", "no price", "large but within its band", "saves"]
