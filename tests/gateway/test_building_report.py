"""What is said of buildings, from series whose figures are known."""

from datetime import date, timedelta

import pytest

from device_configs.building_schema import Building, Counts, Initiative
from device_configs.loader import SITES, load_site
from gateway.building_report import (
    building_state,
    counts_for_goals,
    goal_counts,
    measure_result,
    month_report,
    overview,
    period_figures,
    reported,
    year_co2,
)
from gateway.buildings import BuildingEnergy, Sources
from gateway.energy.hours import Hour
from gateway.store.meter_hours import MeterHours
from tests.gateway.energy.buildings import building as made
from tests.gateway.energy.series import local, run

DEMO = load_site(SITES / "narvik-demo")


def energy(electricity: list[Hour], heat: list[Hour] | None = None, **changes: object) -> BuildingEnergy:
    plain = {"id": "b", "name": "B", "heated_area_m2": 100.0, "area_source": "s"}
    found = BuildingEnergy(
        Building.model_validate({**plain, **changes}), Sources(DEMO, MeterHours.open(None, 0), None)
    )
    found.__dict__["electricity"] = electricity
    found.given = lambda carrier: heat or []  # type: ignore[method-assign]
    return found


def test_carriers_that_count_are_added_and_the_others_are_not() -> None:
    january = run(local("2026-01-01 00:00"), *[1000] * 744)
    one = energy(january, january)
    (figures,) = period_figures(one, "month", date(2026, 1, 1), date(2026, 2, 1))
    assert (figures.counted_kwh, figures.per_m2) == (744, 7.44)
    both = energy(january, january[:372], counted_carriers=("electricity", "district_heat"))
    (figures,) = period_figures(both, "month", date(2026, 1, 1), date(2026, 2, 1))
    assert (figures.counted_kwh, figures.coverage) == (1116, 0.5)
    electricity, heat = figures.carriers
    assert electricity.co2 is not None
    assert (electricity.co2.grams, electricity.co2.year) == (744 * 15, 2023)
    assert heat.co2 is None


def test_figures_of_each_month() -> None:
    hours = [
        Hour(hour.start_s, 9000 if i == 40 else hour.wh, i in (50, 51))
        for i, hour in enumerate(run(local("2026-01-01 00:00"), *[1000] * 800))
    ]
    one = energy(hours)
    temperatures = {local("2026-01-01 00:00") + 3600 * i: 7.0 for i in range(744)}
    one.__dict__["temperatures"] = temperatures
    january, february = period_figures(one, "month", date(2026, 1, 1), date(2026, 3, 1))
    assert january.degree_days == 310
    assert january.peak == hours[40]
    assert january.base_load_w == 1000
    assert january.estimated_share == pytest.approx(2 / 744)
    assert february.degree_days is None
    assert february.coverage == pytest.approx(56 / 672)


def test_only_periods_that_are_over_are_reported() -> None:
    one = energy(run(local("2026-01-01 00:00"), *[1000] * 800))
    figures = period_figures(one, "month", date(2025, 12, 1), date(2026, 2, 4))
    found = reported(one, figures, 77, date(2026, 2, 3))
    assert [(f.building, f.carrier, f.period, f.wh, f.hours, f.made_at_ms) for f in found] == [
        ("b", "electricity", "2026-01", 744_000, 744, 77)
    ]


def initiative(**changes: object) -> Initiative:
    plain = {
        "id": "i", "what": "w", "where": "w", "goal": "g", "evidence": "e", "status": "running",
        "since": date(2025, 1, 1), "building": "b", "proof": "measured",
    }  # fmt: skip
    return Initiative.model_validate({**plain, **changes})


def test_the_time_of_the_work_is_neither_before_nor_after() -> None:
    one = energy([], price_ore_per_kwh=100.0)
    one.__dict__["days"] = made(5, 720, 0.3)  # from 2024-01-01
    result = measure_result(one, initiative(work_until=date(2025, 2, 1)), date(2025, 12, 1))
    assert result.saving is not None
    assert result.saving.baseline.days[-1].day == date(2024, 12, 31)
    assert result.saving.baseline.days[0].day == date(2025, 1, 1) - timedelta(days=365)
    assert (result.saving.from_day, result.saving.to_day) == (date(2025, 2, 2), date(2025, 11, 30))
    assert result.kr_a_year == pytest.approx(result.saving.kwh / result.saving.days * 365)


def test_the_co2_of_a_measure_is_that_of_the_saved_electricity() -> None:
    one = energy([])
    one.__dict__["days"] = made(5, 720, 0.3)
    result = measure_result(one, initiative(), date(2025, 12, 1))
    assert result.saving is not None
    assert result.co2 is not None
    assert (result.co2.year, result.co2.g_per_kwh) == (2023, 15)  # the last year of the table
    assert result.co2.grams == pytest.approx(result.saving.kwh * 15, abs=1)
    assert result.co2_band_g == pytest.approx(result.saving.band_kwh * 15, abs=1)


def test_the_co2_of_a_year_takes_each_year_s_factor() -> None:
    # 2022: 19 g/kWh, 2023: 15 g/kWh. 365 days before 1 July 2023: 184 of 2022, 181 of 2023.
    hours = run(local("2022-07-01 00:00"), *[1000] * 8760)
    both = energy(hours, hours, counted_carriers=("electricity", "district_heat"))
    of_2022 = 184 * 24 + 1  # the clock is put back in October
    assert year_co2(both, date(2023, 7, 1)) == {
        "electricity": of_2022 * 19 + (8760 - of_2022) * 15,
        "district_heat": None,
    }
    assert year_co2(energy([]), date(2023, 7, 1)) == {"electricity": None}


def test_why_nothing_can_be_said() -> None:
    assert measure_result(None, initiative(), date(2025, 12, 1)).reason == "it names no building"
    one = energy([])
    one.__dict__["days"] = made(5, 400, 0.3)
    assert (
        "after the measure yet"
        in measure_result(one, initiative(since=date(2025, 2, 4)), date(2025, 2, 4)).reason
    )


def test_what_is_only_claimed_counts_for_no_goal() -> None:
    counts = Counts(improvements=2, funds_kr=1000)
    many = [
        initiative(counts=counts),
        initiative(counts=counts, proof="documented", status="done"),
        initiative(counts=counts, proof="claimed"),
        initiative(counts=counts, status="planned"),
    ]
    assert [counts_for_goals(one) for one in many] == [True, True, False, False]
    assert goal_counts(many) == {"improvements": 4, "funds_kr": 2000, "media_mentions": 0, "jobs": 0}


def test_what_is_wrong_now_does_not_become_what_is_expected() -> None:
    one = energy([])
    days = made(6, 400, 0.3)
    today = days[-1].day + timedelta(days=1)
    one.__dict__["days"] = [
        type(d)(d.day, d.kwh + 400 * (i >= len(days) - 14), d.celsius, d.in_use) for i, d in enumerate(days)
    ]
    state = building_state(one, today)
    assert state.deviation is not None
    assert state.deviation.stands_out
    assert state.deviation.kwh == pytest.approx(14 * 400, abs=state.deviation.band_kwh)
    assert state.reason == ""


def test_a_building_of_which_nothing_is_known_says_so() -> None:
    found = overview(Sources(DEMO, MeterHours.open(None, 0), None), date(2026, 1, 1))
    assert {state.reason for state in found} == {"band"}
    assert [state.coverage for state in found] == [0, 0]


def test_a_month_beside_the_year_before_and_what_was_expected() -> None:
    series = run(local("2025-01-01 00:00"), *[1000] * 744) + run(local("2026-01-01 00:00"), *[900] * 744)
    one = energy(series, tariff="noranett-halogaland-large", price_ore_per_kwh=100.0)
    report = month_report(one, date(2026, 1, 1), date(2026, 3, 1))
    assert report.known
    assert report.year_before is not None
    assert report.figures.counted_kwh == pytest.approx(669.6)
    assert report.year_before.counted_kwh == 744
    assert report.charge is not None
    assert report.charge.demand_w == 900
    assert report.deviation is None  # no temperature, no expectation
    empty = month_report(one, date(2025, 1, 1), date(2026, 3, 1))
    assert empty.year_before is None
    one.__dict__["days"] = made(8, 800, 0.3)
    february = month_report(one, date(2026, 2, 1), date(2026, 3, 1))
    assert not february.known
    assert february.deviation is not None
    assert (february.deviation.days, abs(february.deviation.kwh) < 3 * february.deviation.band_kwh) == (
        28,
        True,
    )
