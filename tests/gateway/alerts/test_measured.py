import dataclasses

import pytest

from gateway.alerts.measured import measured
from gateway.alerts.state import Trust
from gateway.readings import WrongSchema
from tests.gateway.alerts.made import T0, intake, site, snow
from wire.quantities import (
    AT_HIGH,
    AT_LOW,
    CLAMPED,
    ESTIMATED,
    FAULT,
    FROZEN,
    MISSING,
    OK,
    OUT_OF_RANGE,
    SPREAD,
)


@pytest.mark.parametrize(
    ("quality", "trust"),
    [(OK, Trust.GOOD), (ESTIMATED, Trust.GOOD), (AT_HIGH, Trust.BEYOND_HIGH), (AT_LOW, Trust.BEYOND_LOW),
     (CLAMPED, Trust.BEYOND_LOW), (OUT_OF_RANGE, Trust.BAD), (FROZEN, Trust.BAD), (SPREAD, Trust.BAD)],
)  # fmt: skip
def test_what_a_quality_is_worth(quality: int, trust: Trust) -> None:
    found = measured(intake(T0, 300, quality=(quality, OK, OK, OK, OK)), site().node(11))
    assert found["up_level_mm"] == (300, trust)
    assert found["up_loop_ua"].trust is trust


def test_a_fault_has_no_value_and_what_was_not_measured_is_not_there() -> None:
    found = measured(intake(T0, None, quality=(FAULT, MISSING, OK, OK, OK)), site().node(11))
    assert found["up_level_mm"] == (None, Trust.BAD)
    assert "down_level_mm" not in found


def test_a_ranger_at_its_minimum_is_a_depth_at_its_maximum() -> None:
    record = dataclasses.replace(snow(T0, 3000), quality=(AT_LOW, OK, OK, OK))
    found = measured(record, site().node(21))
    assert found["distance_mm"] == (500, Trust.BEYOND_LOW)
    assert found["depth_mm"] == (3000, Trust.BEYOND_HIGH)


def test_a_record_of_another_profile() -> None:
    with pytest.raises(WrongSchema):
        measured(snow(T0, 100), site().node(11))
