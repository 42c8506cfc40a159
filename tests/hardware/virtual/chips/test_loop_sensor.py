"""The 4-20 mA transmitter (NAMUR NE 43 for its limits)."""

import pytest

from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.gpio import Switch
from hardware.virtual.chips.loop_sensor import LoopSensor, loop_ua
from hardware.virtual.clock import ManualClock


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 4000), (1000, 12000), (2000, 20000), (-500, 3800), (5000, 20500)]
)
def test_span(value: float, expected: float) -> None:
    assert loop_ua(value, 0, 2000) == expected


def test_volts_over_the_shunt_and_its_witness() -> None:
    seen: list[tuple[str, int, int]] = []
    clock = ManualClock()
    sensor = LoopSensor(lambda: 500, 0, 2000, clock, witness=lambda *sample: seen.append(sample))
    assert sensor.volts() == pytest.approx(0.8)
    assert seen == [("loop_ua", 8000, clock.utc_ms())]


def test_it_settles_after_its_supply_comes() -> None:
    clock = ManualClock()
    sensor = LoopSensor(lambda: 500, 0, 2000, clock, settle_s=2)
    switch = Switch(sensor, clock=clock)
    assert sensor.volts() == 0
    switch.driven(1)
    clock.advance(1)
    assert sensor.current_ua() == 4000
    clock.advance(1)
    assert sensor.current_ua() == 8000


def test_faults() -> None:
    value = [500.0]
    sensor = LoopSensor(lambda: value[0], 0, 2000, ManualClock())
    assert sensor.current_ua() == 8000
    value[0] = 1000
    sensor.fault = Fault.STUCK
    assert sensor.current_ua() == 8000
    sensor.fault = Fault.OUT_OF_RANGE
    assert sensor.current_ua() == 22000
    sensor.fault = Fault.DISCONNECTED
    assert sensor.current_ua() == 0
