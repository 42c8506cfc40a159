"""The DAC, by the examples of its data sheet's figures 6-1 and 6-2."""

import pytest

from hardware.virtual.chips.mcp4725 import Mcp4725


def test_it_starts_at_half_of_its_supply() -> None:
    dac = Mcp4725(3.3)
    assert dac.volts == 0
    dac.power_on()
    assert dac.volts == pytest.approx(1.65)


def test_both_ways_to_write_and_powered_down() -> None:
    dac = Mcp4725(4.096)
    dac.power_on()
    dac.i2c_write(bytes((0x0F, 0xFF)))
    assert dac.volts == pytest.approx(4.095)
    dac.i2c_write(bytes((0x40, 0x80, 0x10)))  # command, the upper eight bits, the lower four on the left
    assert dac.volts == pytest.approx(2.049)
    assert dac.i2c_read(3) == bytes((0xC0, 0x80, 0x10))
    dac.i2c_write(bytes((0x1F, 0xFF)))  # 1 kΩ to ground
    assert dac.volts == 0


def test_without_supply_it_does_not_answer() -> None:
    with pytest.raises(OSError, match="19"):
        Mcp4725().i2c_write(b"\x00\x00")
