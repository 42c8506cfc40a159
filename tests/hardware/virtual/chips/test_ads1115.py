"""The ADC against its data sheet (SBAS444E)."""

from collections.abc import Callable

import pytest

from hardware.virtual.chips.ads1115 import CONFIG, CONVERSION, Ads1115, code
from hardware.virtual.chips.chip import Fault
from hardware.virtual.clock import ManualClock

SINGLE_SHOT_AIN0 = bytes((CONFIG, 0xC5, 0x83))  # ±2.048 V, 128 samples/s


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def steady(volts: float) -> Callable[[], float]:
    return lambda: volts


def chip(clock: ManualClock, **inputs: float) -> Ads1115:
    made = Ads1115({int(name[3:]): steady(volts) for name, volts in inputs.items()}, clock)
    made.power_on()
    return made


def register(chip: Ads1115, number: int) -> bytes:
    chip.i2c_write(bytes((number,)))
    return chip.i2c_read(2)


def convert(chip: Ads1115, clock: ManualClock, config: int = 0xC583) -> int:
    chip.i2c_write(bytes((CONFIG, config >> 8, config & 255)))
    clock.advance(0.2)
    return int.from_bytes(register(chip, CONVERSION), "big", signed=True)


def test_power_on_configuration(clock: ManualClock) -> None:
    assert register(chip(clock), CONFIG) == b"\x85\x83"


@pytest.mark.parametrize(
    ("volts", "expected"),
    [
        (0.0, 0), (62.5e-6, 1), (-62.5e-6, -1), (0.4, 6400), (1.0, 16000), (2.0, 32000), (2.048, 32767),
        (5, 32767),
    ],
)  # fmt: skip
def test_one_step_is_62_microvolts_and_it_clips(clock: ManualClock, volts: float, expected: int) -> None:
    assert convert(chip(clock, ain0=volts), clock) == expected


def test_full_scale_is_negative_too() -> None:
    assert code(-2.048, 2.048) == -32768
    assert code(-3, 2.048) == -32768


def test_busy_for_the_time_of_the_data_rate(clock: ManualClock) -> None:
    adc = chip(clock, ain0=1.0)
    adc.i2c_write(SINGLE_SHOT_AIN0)
    clock.advance(0.0075)
    assert adc.i2c_read(2) == b"\x45\x83"  # bit 15 is 0: converting
    assert register(adc, CONVERSION) == b"\0\0"
    clock.advance(0.0005)
    assert register(adc, CONFIG) == b"\xc5\x83"
    assert register(adc, CONVERSION) == (16000).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("mux", "expected"), [(4, 1000), (5, 2000), (6, 3000), (7, 4000), (0, -1000), (3, -1000)]
)
def test_multiplexer(clock: ManualClock, mux: int, expected: int) -> None:
    adc = chip(clock, ain0=0.0625, ain1=0.125, ain2=0.1875, ain3=0.25)
    assert convert(adc, clock, 0x8583 & ~0x7000 | mux << 12) == expected


@pytest.mark.parametrize(
    ("gain", "expected"), [(0, 5333), (1, 8000), (2, 16000), (3, 32000), (4, 32767), (5, 32767), (7, 32767)]
)
def test_gain(clock: ManualClock, gain: int, expected: int) -> None:
    assert convert(chip(clock, ain0=1.0), clock, 0xC183 | gain << 9) == expected


def test_continuous_mode_follows_the_input(clock: ManualClock) -> None:
    volts = [0.5]
    adc = Ads1115({0: lambda: volts[0]}, clock)
    adc.power_on()
    adc.i2c_write(bytes((CONFIG, 0x44, 0x83)))
    clock.advance(0.01)
    assert register(adc, CONVERSION) == (8000).to_bytes(2, "big")
    volts[0] = 1.0
    for _ in range(2):
        clock.advance(0.01)
        register(adc, CONVERSION)
    assert register(adc, CONVERSION) == (16000).to_bytes(2, "big")


def test_protection_diodes_limit_the_input(clock: ManualClock) -> None:
    assert convert(chip(clock, ain0=24.0), clock, 0xC183) == code(3.6, 6.144)


def test_faults(clock: ManualClock) -> None:
    adc = chip(clock, ain0=1.0)
    assert convert(adc, clock) == 16000
    adc.fault = Fault.OUT_OF_RANGE
    assert convert(adc, clock) == 32767
    adc.fault = Fault.STUCK
    assert convert(adc, clock) == 32767
    adc.fault = Fault.DISCONNECTED
    with pytest.raises(OSError, match="ENODEV"):
        adc.i2c_read(2)


def test_without_supply_it_does_not_answer(clock: ManualClock) -> None:
    adc = chip(clock)
    adc.power_off()
    with pytest.raises(OSError, match="ENODEV"):
        adc.i2c_write(SINGLE_SHOT_AIN0)


def test_witness_is_told_when_the_conversion_starts(clock: ManualClock) -> None:
    seen: list[tuple[str, int, int]] = []
    adc = Ads1115({0: lambda: 1.0}, clock, lambda *sample: seen.append(sample))
    adc.power_on()
    began_ms = clock.utc_ms()
    convert(adc, clock)
    assert seen == [("AIN0", 16000, began_ms)]
