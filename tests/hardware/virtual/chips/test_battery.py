"""The battery's divider and the ESP32's ADC."""

import pytest

from hardware.virtual.chips.battery import Battery, adc_code, adc_uv
from hardware.virtual.chips.chip import Fault
from hardware.virtual.clock import ManualClock


def test_divider() -> None:
    battery = Battery(lambda: 3.6, ManualClock(), divider=2.0)
    assert battery.pin_uv() == 1_800_000


@pytest.mark.parametrize(
    ("uv", "expected"), [(0, 0), (1_800_000, 1_800_000), (3_300_000, 3_300_000), (9_000_000, 3_300_000)]
)
def test_reading_is_whole_millivolts_and_clips(uv: int, expected: int) -> None:
    reading = adc_uv(adc_code(uv, 3), 3)
    assert reading % 1000 == 0
    assert abs(reading - expected) <= 1000


def test_without_attenuation_it_saturates_at_the_reference() -> None:
    assert adc_code(1_800_000, 0) == 4095
    assert adc_uv(4095, 0) == 1_100_000


def test_faults() -> None:
    volts = [3.6]
    battery = Battery(lambda: volts[0], ManualClock())
    assert battery.pin_uv() == 1_800_000
    volts[0] = 3.0
    battery.fault = Fault.STUCK
    assert battery.pin_uv() == 1_800_000
    battery.fault = Fault.OUT_OF_RANGE
    assert battery.pin_uv() == 3_300_000
    battery.fault = Fault.DISCONNECTED
    assert battery.pin_uv() == 0
