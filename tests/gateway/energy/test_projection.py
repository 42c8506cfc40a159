from datetime import date

import pytest

from device_configs.tariff import tariffs
from gateway.energy.projection import extra_ore, project
from tests.gateway.energy.series import OSLO, local, run

START = local("2025-01-10 08:00")


def load(*minutes: tuple[int, int, int]) -> list[tuple[int, int]]:
    """(from minute, to minute, W): a sample each minute."""
    return [(START + 60 * m, watt) for first, last, watt in minutes for m in range(first, last)]


@pytest.mark.parametrize("minute", [20, 40])
def test_a_steady_load_goes_on(minute: int) -> None:
    projection = project(load((-5, 60, 30_000)), START + 60 * minute)
    assert projection is not None
    assert (projection.low_wh, projection.expected_wh, projection.high_wh) == (30_000, 30_000, 30_000)
    assert projection.so_far_wh == 30_000 * minute // 60
    assert projection.outlook(29_000) == "will"
    assert projection.outlook(30_000) == "no"


def test_a_load_that_has_just_risen_by_hand() -> None:
    # 20 kW for 10 minutes, 50 kW for 10: 11.67 kWh used. At 50 kW for 40 more: 45 kWh; at 20 kW: 25 kWh.
    projection = project(load((-1, 10, 20_000), (10, 21, 50_000)), START + 1200)
    assert projection is not None
    assert projection.expected_wh == pytest.approx(45_000, rel=0.02)
    assert projection.low_wh == pytest.approx(25_000, rel=0.02)
    assert projection.outlook(24_000) == "will"
    assert projection.outlook(40_000) == "likely"
    assert projection.outlook(60_000) == "no"


def test_a_load_that_has_just_fallen_may_come_back() -> None:
    projection = project(load((-1, 10, 50_000), (10, 21, 20_000)), START + 1200)
    assert projection is not None
    assert projection.expected_wh == pytest.approx(25_000, rel=0.03)
    assert projection.outlook(40_000) == "may"


def test_it_is_right_at_the_end_of_the_hour() -> None:
    powers = load((0, 30, 10_000), (30, 61, 30_000))
    projection = project(powers, START + 3599)
    assert projection is not None
    assert projection.expected_wh == pytest.approx(20_000, rel=0.01)
    assert projection.high_wh - projection.low_wh < 10


def test_without_power_nothing_is_said() -> None:
    assert project([], START + 1200) is None
    assert project(load((0, 8, 30_000)), START + 1200) is None  # two fifths of it known
    assert project(load((0, 30, 30_000)), START + 2400) is None  # nothing of the last ten minutes
    assert project(load((-30, 21, 30_000)), START) is None  # the hour has just begun


def test_what_one_more_hour_costs() -> None:
    large = tariffs()["noranett-halogaland-large"].at(date(2025, 1, 1))
    small = tariffs()["noranett-halogaland-small"].at(date(2025, 1, 1))
    assert large is not None
    assert small is not None
    month = run(local("2025-01-02 08:00"), 80_000)
    assert extra_ore(month, 90_000, START, large, OSLO) == 10 * 124_00
    assert extra_ore(month, 70_000, START, large, OSLO) == 0
    # The first 9 kW of a month: step 8-10 kW. With 2 kW on another day the mean falls to 5.5 kW.
    assert extra_ore(run(local("2025-01-02 08:00"), 9000), 2000, START, small, OSLO) == 620_00 - 780_00
