from datetime import date

import pytest

from device_configs.tariff import tariffs
from gateway.energy.hours import Hour
from gateway.energy.peaks import counting, month_charge, month_charges, price
from gateway.energy.periods import start_of
from tests.gateway.energy.series import OSLO, local, run

LARGE, SMALL = (tariffs()[f"noranett-halogaland-{size}"] for size in ("large", "small"))
STEPS, PEAK = SMALL.versions[0], LARGE.versions[0]


def test_a_year_of_the_large_tariff_by_hand() -> None:
    """Each month: 50 kW all the time, and one hour of (100 + month) kW.

    Winter (Nov to Apr) 124 kr/kW, summer 47 kr/kW, 1330 kr a month, 0.8 øre/kWh:
    Jan 101·124 + 1330 = 13 854, Feb 13 978, Mar 14 102, Apr 14 226, May 105·47 + 1330 = 6265, Jun 6312,
    Jul 6359, Aug 6406, Sep 6453, Oct 6500, Nov 111·124 + 1330 = 15 094, Dec 15 218: 124 767 kr.
    Energy: 8760·50 + Σ(50 + month) = 438 000 + 678 = 438 678 kWh, 3509.42 kr.
    """
    series = run(start_of(date(2025, 1, 1), OSLO), *[50_000] * 8760)
    tops = {start_of(date(2025, m, 15), OSLO) + 9 * 3600: (100 + m) * 1000 for m in range(1, 13)}
    series = [Hour(hour.start_s, tops.get(hour.start_s, hour.wh)) for hour in series]
    charges = month_charges(series, LARGE, OSLO, date(2025, 1, 1), date(2026, 1, 1))
    assert [charge.capacity_ore // 100 for charge in charges] == [
        13854, 13978, 14102, 14226, 6265, 6312, 6359, 6406, 6453, 6500, 15094, 15218,
    ]  # fmt: skip
    assert sum(charge.capacity_ore for charge in charges) == 124_767_00
    assert sum(charge.energy_ore for charge in charges) == pytest.approx(
        3509_42, abs=6
    )  # rounded by the month
    assert [charge.demand_w for charge in charges] == [(100 + m) * 1000 for m in range(1, 13)]
    assert all(charge.coverage == 1 and not charge.doubtful for charge in charges)


def test_three_highest_hours_on_different_days_by_hand() -> None:
    # 9 and 8 kW on one day: only the 9 counts. (9 + 7 + 5) / 3 = 7 kW: step from 6 kW, 700 kr.
    hours = [
        *run(local("2025-01-10 08:00"), 9000, 8000),
        *run(local("2025-01-20 08:00"), 7000),
        *run(local("2025-01-21 08:00"), 5000, 4000),
    ]
    charge = month_charge(hours, STEPS, OSLO, date(2025, 1, 1))
    assert [hour.wh for hour in charge.peaks] == [9000, 7000, 5000]
    assert (charge.demand_w, charge.capacity_ore, charge.step_from_w) == (7000, 700_00, 6000)
    assert charge.energy_ore == round(33 * 0.8)


def test_the_day_of_a_peak_is_local() -> None:
    # 23:30 UTC on the 10th is the 11th in Oslo: two days.
    hours = [*run(local("2025-01-10 23:00"), 9000, 8000)]
    assert [hour.wh for hour in counting(hours, STEPS, OSLO)] == [9000, 8000]


@pytest.mark.parametrize(
    ("demand_w", "kr"),
    [(0, 360), (1999, 360), (2000, 510), (9999, 780), (10_000, 860), (199_999, 14_400), (200_000, 20_600)],
)
def test_steps_begin_at_their_lower_limit(demand_w: int, kr: int) -> None:
    assert price(STEPS, demand_w, 1)[0] == kr * 100


def test_an_estimated_hour_never_sets_a_peak_and_is_told_of() -> None:
    hours = [*run(local("2025-01-10 08:00"), 5000), *run(local("2025-01-11 08:00"), 90_000, estimated=True)]
    charge = month_charge(hours, PEAK, OSLO, date(2025, 1, 1))
    assert charge.demand_w == 5000
    assert (charge.estimated, charge.doubtful) == (1, True)
    assert charge.coverage == pytest.approx(2 / 744)


def test_one_missing_hour_does_not_spoil_the_month() -> None:
    hours = [hour for hour in run(local("2025-01-01 00:00"), *range(744)) if hour.wh != 700]
    charge = month_charge(hours, PEAK, OSLO, date(2025, 1, 1))
    assert (charge.demand_w, charge.doubtful) == (743, False)
    assert charge.coverage == pytest.approx(743 / 744)


def test_months_without_data_or_tariff_have_no_charge() -> None:
    hours = [*run(local("2023-12-31 23:00"), 1, 2), *run(local("2024-03-01 00:00"), 3)]
    charges = month_charges(hours, LARGE, OSLO, date(2023, 12, 1), date(2024, 6, 1))
    assert [charge.month for charge in charges] == ["2024-01", "2024-03"]


def test_a_month_of_estimates_only_has_no_peak() -> None:
    charge = month_charge(run(local("2025-01-10 08:00"), 5000, estimated=True), STEPS, OSLO, date(2025, 1, 1))
    assert (charge.peaks, charge.demand_w, charge.doubtful) == ((), 0, True)
    assert charge.ore == charge.capacity_ore + charge.energy_ore
