"""The shipped recordings and what is derived from them."""

from pathlib import Path

import pytest

from hardware.virtual.recordings import Recording, Series, cambridge_energy, steady, trout_creek

DATA = Path(__file__).parents[2] / "data"
FLOOD_S = 1_655_146_800  # 2022-06-13 19:00 UTC


@pytest.fixture(scope="module")
def stream() -> Recording:
    return trout_creek(DATA / "stream_trout_creek_5min.csv")


@pytest.fixture(scope="module")
def energy() -> Recording:
    return cambridge_energy(DATA / "energy_cambridge_b25_hourly.csv")


def test_between_points_a_straight_line_outside_the_nearest() -> None:
    series = Series((0.0, 10.0, 20.0), (0.0, 1.0, 3.0))
    assert [series.at(t) for t in (-5, 0, 5, 10, 15, 20, 99)] == [0, 0, 0.5, 1, 2, 3, 3]
    assert steady(7).at(123) == 7


def test_trout_creek_covers_its_summer(stream: Recording) -> None:
    level = stream["up_level_mm"]
    assert len(level.times_s) == 31595
    assert level.times_s[0] == 1_653_601_177  # 2022-05-26 21:39:37 UTC
    assert 70 <= min(level.values) < max(level.values) <= 830


def test_the_flood_of_june_rises_by_more_than_20_cm_an_hour(stream: Recording) -> None:
    level = stream["up_level_mm"]
    rises = [level.at(FLOOD_S + m * 60) - level.at(FLOOD_S + (m - 60) * 60) for m in range(0, 60, 5)]
    assert max(rises) > 200


def test_below_the_grate_stands_lower_and_more_so_in_flood(stream: Recording) -> None:
    up, down = stream["up_level_mm"], stream["down_level_mm"]
    losses = [u - d for u, d in zip(up.values, down.values, strict=True)]
    assert min(losses) >= 10
    assert up.at(FLOOD_S + 3600) - down.at(FLOOD_S + 3600) > 25


def test_water_is_cool(stream: Recording) -> None:
    values = stream["water_c"].values
    assert 3 < min(values) < max(values) < 20


def test_energy_leaves_missing_hours_out(energy: Recording) -> None:
    power = energy["power_w"]
    assert min(power.values) > 0
    assert 17_000 < len(power.times_s) < 17_521
    assert power.at(1_514_768_400) == pytest.approx(41_100)  # 2018-01-01 01:00


def test_registers_never_fall_and_agree_with_the_power(energy: Recording) -> None:
    register = energy["import_wh"]
    assert all(later >= earlier for earlier, later in zip(register.values, register.values[1:], strict=False))
    assert register.values[1] == pytest.approx(20_500)
