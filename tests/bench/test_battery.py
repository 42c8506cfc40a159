"""The model of a battery, against what is known of it."""

import pytest

from tests.bench.battery import CELL_MC, Cycle, charge_mc, years

SNOW = Cycle("snow", awake_ms=2700, instructions=30_000_000, frame_bytes=31)


def test_five_years_at_ten_minutes_allow_260_mc_a_cycle() -> None:
    assert years(260, 1) == pytest.approx(5.0, abs=0.01)
    assert years(260, 1, cold=True) == pytest.approx(3.0, abs=0.01)


def test_terms_are_those_of_the_profile_and_near_what_others_found() -> None:
    snow = charge_mc(SNOW)
    assert 150 < sum(snow.values()) < 260
    assert "loops" not in snow
    intake = charge_mc(Cycle("intake", 3100, 30_000_000, 33))
    assert intake["loops"] == pytest.approx(200)
    assert "ranger" not in intake
    assert years(sum(intake.values()), 2) > 4


def test_a_cell_that_only_sleeps_lasts_decades() -> None:
    asleep = charge_mc(SNOW)["sleep"]
    assert years(asleep, 1) > 60
    assert pytest.approx(19 * 3.6e6) == CELL_MC


def test_what_takes_longer_costs_more() -> None:
    slow = Cycle("snow", awake_ms=5000, instructions=30_000_000, frame_bytes=31)
    long = Cycle("snow", awake_ms=2700, instructions=30_000_000, frame_bytes=100)
    assert sum(charge_mc(slow).values()) > sum(charge_mc(SNOW).values()) + 90
    assert sum(charge_mc(long).values()) > sum(charge_mc(SNOW).values())
