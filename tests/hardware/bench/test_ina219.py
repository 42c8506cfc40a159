"""The INA219 against its data sheet's figures."""

import pytest

from hardware.bench.ina219 import Ina219, LinuxI2c, configuration, current_ua
from hardware.protocols import InstrumentError
from hardware.virtual.clock import ManualClock
from tests.hardware.instruments import Ina219Chip


def test_shunt_register_as_in_the_data_sheets_table() -> None:
    # Table 7 of SBOS448G: 0x7D00 is 320 mV, 0x8300 is -320 mV; 100 mΩ carry 3.2 A then.
    assert current_ua(bytes.fromhex("7d00"), 100) == 3_200_000
    assert current_ua(bytes.fromhex("8300"), 100) == -3_200_000
    assert configuration(3).hex() == "00181d"


async def test_charge_of_a_burst_is_its_area() -> None:
    clock = ManualClock()
    chip = Ina219Chip(lambda: 50_000.0 if clock.monotonic_s() >= 0.5 else 0.0, 100)
    charge = await Ina219(chip, clock, 100).measure(1.0)
    assert charge.uc == pytest.approx(25_000, rel=0.01)
    assert charge.peak_ua == 50_000


async def test_a_range_that_is_left_is_told() -> None:
    meter = Ina219(Ina219Chip(lambda: 500_000.0, 100), ManualClock(), 100, gain=0)
    with pytest.raises(InstrumentError, match="more than 400 mA: take a smaller shunt"):
        await meter.measure(0.1)


def test_a_bus_that_is_not_there_is_told() -> None:
    with pytest.raises(InstrumentError, match="Is I2C switched on"):
        LinuxI2c(987, 0x40)
