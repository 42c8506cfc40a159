from datetime import date, timedelta
from math import sqrt

import pytest

from gateway.energy.dependence import sum_variance
from gateway.energy.et_curve import Day, TooFewDays, fit
from gateway.energy.savings import MONTHLY_LIMIT, against, monthly_cv_rmse, saving
from tests.gateway.energy.buildings import NOISE_KWH, building, cambridge

TRIALS = 200
YEAR = 365


def less(days: list[Day], share: float) -> list[Day]:
    return [Day(day.day, day.kwh * (1 - share), day.celsius, day.in_use) for day in days]


@pytest.mark.parametrize(("share", "rho"), [(0.0, 0.5), (0.05, 0.3), (0.10, 0.6), (0.20, 0.0)])
def test_the_stated_band_holds_as_often_as_it_says(share: float, rho: float) -> None:
    """Of 200 buildings whose saving is known, the 90 % band holds it in 85 to 95 %, and is not wide for it.

    The theory it is held against: the exact spread of the forecast's error where noise and correlation are
    known, that of a sum of correlated days and of the same sum's worth of the baseline.
    """
    hits, widths = 0, []
    for trial in range(TRIALS):
        days = building(1000 * trial + round(100 * (share + rho)), 2 * YEAR, rho)
        result = against(fit(days[:YEAR]), less(days[YEAR:], share))
        true_kwh = share * sum(day.kwh for day in days[YEAR:])
        hits += abs(result.kwh - true_kwh) <= result.band_kwh
        widths.append(result.band_kwh)
        assert result.days == YEAR
    theory = 1.645 * NOISE_KWH * sqrt(2 * sum_variance(YEAR, rho))
    assert 0.85 <= hits / TRIALS <= 0.95
    assert sum(widths) / TRIALS <= 1.5 * theory


def test_what_is_said() -> None:
    days = building(11, 2 * YEAR, 0.4)
    nothing = saving(days[:YEAR], days[YEAR:])
    assert nothing.verdict == "not shown"
    tenth = saving(days[:YEAR], less(days[YEAR:], 0.1))
    assert tenth.verdict == "saved"
    assert tenth.share == pytest.approx(0.1, abs=tenth.band_share)
    assert tenth.meets_guideline
    assert tenth.uncertainty is not None
    assert tenth.uncertainty < 0.5
    more = saving(days[:YEAR], less(days[YEAR:], -0.1))
    assert (more.verdict, more.uncertainty, more.meets_guideline) == ("more used", None, False)
    assert (tenth.from_day, tenth.to_day) == (days[YEAR].day, days[-1].day)
    assert tenth.expected_kwh - tenth.used_kwh == pytest.approx(tenth.kwh)


def test_a_short_time_after_is_less_sure() -> None:
    days = building(12, 2 * YEAR, 0.4)
    curve = fit(days[:YEAR])
    month, year = (against(curve, days[YEAR : YEAR + n]) for n in (30, YEAR))
    assert month.band_share > 2 * year.band_share


def test_days_the_model_has_not_seen_are_counted() -> None:
    days = building(13, 2 * YEAR, 0.4)
    summer = [day for day in days[:YEAR] if 6 <= day.day.month <= 8]
    winter = [day for day in days[YEAR:] if day.day.month == 1]
    assert saving(summer, winter).beyond > 20
    assert saving(days[:YEAR], winter).beyond <= 1


def test_not_enough_to_go_by() -> None:
    days = building(14, 120, 0.4)
    with pytest.raises(
        TooFewDays, match="89 whole days with a temperature before the measure; 90 are needed"
    ):
        saving(days[:89], days[89:])
    with pytest.raises(TooFewDays, match="after the measure yet"):
        saving(days[:90], [])


def test_months_by_hand() -> None:
    """Three months, off by +2, 0 and -2 kWh a day of 100."""
    start = date(2025, 1, 1)
    days = [
        Day(start + timedelta(days=i), 100.0 + (2, 0, -2)[i // 31 if i < 62 else 2], 5.0) for i in range(90)
    ]
    curve = fit(days)
    months = {m: [d.kwh - curve.expected_kwh(5.0) for d in days if d.day.month == m] for m in (1, 2, 3)}
    sums = [sum(values) for values in months.values()]
    expected = sqrt(sum(s * s for s in sums) / 2) / (sum(d.kwh for d in days) / 3)
    assert monthly_cv_rmse(curve) == pytest.approx(expected)
    assert monthly_cv_rmse(fit(days[:45])) is None
    year = monthly_cv_rmse(fit(building(16, YEAR, 0.4)))
    assert year is not None
    assert 0 < year < MONTHLY_LIMIT


def test_gaps_in_the_baseline_do_not_matter() -> None:
    days = building(15, 2 * YEAR, 0.4)
    holes = [day for i, day in enumerate(days[:YEAR]) if i % 50 > 9]
    whole, torn = saving(days[:YEAR], days[YEAR:]), saving(holes, days[YEAR:])
    assert abs(whole.kwh - torn.kwh) < whole.band_kwh
    assert torn.baseline.days[-1].day < days[YEAR].day - timedelta(days=0)


@pytest.mark.parametrize(("column", "inside"), [("gas_kWh", 23), ("electricity_kWh", 20)])
def test_a_real_building_without_a_measure(column: str, inside: int) -> None:
    """How often the month after a year of baseline lies in its band: what docs/energy.md says of it."""
    days = [*cambridge(2018, column), *cambridge(2019, column)]
    found = [
        against(fit(days[start : start + YEAR]), days[start + YEAR : start + YEAR + 30])
        for start in range(0, YEAR - 30, 15)
    ]
    assert (len(found), sum(abs(one.kwh) <= one.band_kwh for one in found)) == (23, inside)
