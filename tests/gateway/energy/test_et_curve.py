import random
from datetime import date, timedelta

import pytest

from gateway.energy.dependence import ar1_inflation
from gateway.energy.et_curve import (
    Day,
    TooFewDays,
    days_of,
    expected_band,
    filtered,
    fit,
)
from gateway.energy.figures import InUse
from gateway.energy.hours import Hour
from gateway.energy.least_squares import least_squares
from gateway.energy.periods import totals
from tests.gateway.energy.buildings import IN_USE_SLOPE, building, cambridge, truth_kwh
from tests.gateway.energy.series import OSLO, local, run


@pytest.mark.parametrize(("year", "r2"), [(2018, 0.87), (2019, 0.91)])
def test_cambridge_gas_follows_the_temperature(year: int, r2: float) -> None:
    """Below 13 °C, a straight line: figures found independently of this project."""
    cold = [day for day in cambridge(year) if day.celsius < 13]
    line = least_squares([(1.0, day.celsius) for day in cold], [day.kwh for day in cold])
    mean = sum(day.kwh for day in cold) / len(cold)
    assert 1 - line.squares / sum((day.kwh - mean) ** 2 for day in cold) == pytest.approx(r2, abs=0.005)


@pytest.mark.parametrize("year", [2018, 2019])
def test_the_curve_of_cambridge(year: int) -> None:
    curve = fit(cambridge(year))
    assert curve.change_c is not None
    assert 11 < curve.change_c < 17
    assert curve.r2 > 0.9  # warm days and weekends explained as well
    assert curve.nmbe == pytest.approx(0, abs=1e-9)


def test_a_building_without_noise_is_found_exactly() -> None:
    curve = fit(building(1, 365, 0, noise_kwh=0.0))
    for celsius in (-20.0, 0.0, 13.0, 25.0):
        for in_use in (True, False):
            expected = curve.expected_kwh(celsius, in_use)
            assert expected == pytest.approx(truth_kwh(celsius, in_use), rel=0.02)
    assert curve.kwh_per_degree == pytest.approx(IN_USE_SLOPE, rel=0.05)
    assert curve.r2 > 0.999


def test_the_band_holds_nine_days_of_ten() -> None:
    inside = days = 0
    for seed in range(20):
        made = building(seed, 730, 0.4)
        curve = fit(made[:365])
        inside += sum(not curve.is_outlier(day) for day in made[365:])
        days += 365
    assert inside / days == pytest.approx(0.9, abs=0.02)


def test_outliers_do_not_widen_the_band() -> None:
    made = building(3, 365, 0.3)
    today = made[-1].day + timedelta(days=1)
    clean = expected_band(made, today)
    spoilt = [
        Day(d.day, d.kwh + (3000 if i % 60 == 7 else 0), d.celsius, d.in_use) for i, d in enumerate(made)
    ]
    robust = expected_band(spoilt, today)
    assert [day.day for day in robust.left_out] == [day.day for i, day in enumerate(made) if i % 60 == 7]
    assert robust.band_kwh(0.0) == pytest.approx(clean.band_kwh(0.0), rel=0.05)
    assert fit(spoilt).band_kwh(0.0) > 3 * robust.band_kwh(0.0)
    assert robust.is_outlier(spoilt[7])
    assert robust.excess_kwh(spoilt[7]) == pytest.approx(3000, abs=250)


def test_the_band_is_that_of_the_last_365_days() -> None:
    made = building(4, 730, 0.3)
    curve = expected_band(made, made[-1].day)
    assert (curve.days[0].day, curve.days[-1].day) == (made[-1].day - timedelta(days=365), made[-2].day)


def test_a_building_that_does_not_follow_the_temperature_is_not_said_to() -> None:
    """Energy that rises with the temperature is no heating."""
    days = [Day(d.day, 500 + 3 * d.celsius, d.celsius) for d in building(5, 365, 0)]
    curve = fit(days)
    assert curve.change_c is None
    assert curve.kwh_per_degree == curve.dependent_share() == 0
    assert curve.expected_kwh(-20) == curve.expected_kwh(20)


def test_dependent_share_by_hand() -> None:
    # Always 100 kWh, and 10 kWh for each degree below 15 °C.
    start = date(2024, 1, 1)
    days = [Day(start + timedelta(days=i), 200 if i % 2 else 100, 5 if i % 2 else 20) for i in range(60)]
    days += [Day(start + timedelta(days=60 + i), 100 + 10 * i, 15 - i) for i in range(11)]
    curve = fit(days)
    assert curve.change_c == pytest.approx(15, abs=0.51)
    assert curve.dependent_share() == pytest.approx((3000 + 550) / (9000 + 1650), abs=0.02)


def test_too_few_days_say_so() -> None:
    with pytest.raises(TooFewDays, match="29 whole days with a temperature; at least 30 are needed"):
        fit(building(1, 29, 0))


def test_identical_days_are_no_error() -> None:
    days = [Day(date(2024, 1, 1) + timedelta(days=i), 100.0, 5.0) for i in range(40)]
    curve = expected_band(days, date(2025, 1, 1))
    assert curve.expected_kwh(5) == pytest.approx(100)
    assert curve.band_kwh(5) == pytest.approx(0)


def test_a_regular_building_in_any_weather_always_has_a_curve() -> None:
    """A few cold days may seem to hold a slope; where they do not tell its begin, the curve is flat."""
    for seed in range(60):
        chance = random.Random(seed)
        dates = [date(2024, 1, 1) + timedelta(days=i) for i in range(chance.choice([40, 60, 120]))]
        in_use, idle = chance.uniform(1, 3000), chance.uniform(0, 1500)
        days = [
            Day(day, in_use if day.weekday() < 5 else idle, chance.uniform(-15, 20), day.weekday() < 5)
            for day in dates
        ]
        curve = fit(days)
        assert min(in_use, idle) - 1 < curve.expected_kwh(15) < max(in_use, idle) + 1


def test_weekday_filter() -> None:
    days = building(1, 7, 0)  # Monday to Sunday
    assert [day.day.weekday() for day in filtered(days, "in use")] == [0, 1, 2, 3, 4]
    assert [day.day.weekday() for day in filtered(days, "idle")] == [5, 6]
    assert filtered(days, "all") == days


def test_days_with_missing_hours_are_no_days() -> None:
    day = date(2026, 1, 5)
    whole = run(local("2026-01-05 00:00"), *[1000] * 24)
    month = (day, date(2026, 1, 6))
    temperatures = {day: -3.0}
    assert days_of(totals(whole, "day", OSLO, *month), temperatures, InUse()) == [Day(day, 24.0, -3.0, True)]
    assert days_of(totals(whole[1:], "day", OSLO, *month), temperatures, InUse()) == []
    assert days_of(totals(whole, "day", OSLO, *month), {}, InUse()) == []
    for estimated, days in ((4, 1), (5, 0)):
        hours = [Hour(hour.start_s, hour.wh, i < estimated) for i, hour in enumerate(whole)]
        assert len(days_of(totals(hours, "day", OSLO, *month), temperatures, InUse())) == days


def test_a_curve_takes_the_larger_of_both() -> None:
    curve = fit(building(2, 730, 0.6))
    assert curve.inflation >= ar1_inflation(curve.rho)
    assert curve.effective_days == pytest.approx(len(curve.days) / curve.inflation)
