"""The thermometer against its data sheet (19-7487) and application notes 27 and 187."""

import pytest

from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.ds18b20 import (
    CONVERT,
    MATCH_ROM,
    READ_ROM,
    READ_SCRATCHPAD,
    SEARCH_ROM,
    SKIP_ROM,
    WRITE_SCRATCHPAD,
    Ds18b20,
    OneWireBus,
    code,
    crc8,
    rom,
)
from hardware.virtual.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def bus(clock: ManualClock) -> OneWireBus:
    first = Ds18b20(rom(1), lambda: 3.3125, clock)
    second = Ds18b20(rom(0x8000_0000_0002), lambda: -10.125, clock)
    made = OneWireBus(first, second)
    made.power_on()
    return made


def send(bus: OneWireBus, *content: int) -> None:
    assert bus.reset()
    for byte in content:
        bus.write_byte(byte)


def scratchpad(bus: OneWireBus, device: Ds18b20) -> bytes:
    send(bus, MATCH_ROM, *device.rom, READ_SCRATCHPAD)
    return bytes(bus.read_byte() for _ in range(9))


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        (125, 0x07D0), (85, 0x0550), (25.0625, 0x0191), (10.125, 0x00A2), (0.5, 0x0008), (0, 0x0000),
        (-0.5, 0xFFF8), (-10.125, 0xFF5E), (-25.0625, 0xFE6F), (-55, 0xFC90), (200, 0x07D0),
    ],
)  # fmt: skip
def test_temperature_register(celsius: float, expected: int) -> None:
    assert code(celsius) == expected


def test_checksum() -> None:
    assert crc8(bytes.fromhex("021cb801000000")) == 0xA2  # application note 27's example
    assert crc8(bytes.fromhex("021cb801000000a2")) == 0


def test_power_on_value_is_85_degrees(bus: OneWireBus) -> None:
    content = scratchpad(bus, bus.devices[0])
    assert content.hex() == "50054b467fff0c101c"


def test_conversion_takes_750_ms_and_the_old_value_stays(bus: OneWireBus, clock: ManualClock) -> None:
    send(bus, SKIP_ROM, CONVERT)
    assert bus.read_bit() == 0
    clock.advance(0.749)
    assert bus.read_bit() == 0
    assert scratchpad(bus, bus.devices[0])[:2] == b"\x50\x05"
    clock.advance(0.001)
    assert scratchpad(bus, bus.devices[0])[:2] == code(3.3125).to_bytes(2, "little")
    assert scratchpad(bus, bus.devices[1])[:2] == b"\x5e\xff"


def test_busy_ends(bus: OneWireBus, clock: ManualClock) -> None:
    send(bus, SKIP_ROM, CONVERT)
    clock.advance(0.75)
    assert bus.read_bit() == 1


@pytest.mark.parametrize(("setting", "milliseconds", "expected"), [(0x1F, 94, 0x30), (0x5F, 375, 0x34)])
def test_lower_resolution_is_faster(
    bus: OneWireBus, clock: ManualClock, setting: int, milliseconds: int, expected: int
) -> None:
    send(bus, SKIP_ROM, WRITE_SCRATCHPAD, 0, 0, setting)
    send(bus, SKIP_ROM, CONVERT)
    clock.advance(milliseconds / 1000)
    content = scratchpad(bus, bus.devices[0])
    assert content[0] == expected
    assert content[4] == setting


def test_read_rom_of_a_lone_device(clock: ManualClock) -> None:
    bus = OneWireBus(Ds18b20(rom(7), lambda: 0.0, clock))
    bus.power_on()
    send(bus, READ_ROM)
    assert bytes(bus.read_byte() for _ in range(8)) == rom(7)


def test_search_shows_a_conflict_where_roms_differ(bus: OneWireBus) -> None:
    send(bus, SEARCH_ROM)
    first, second = (device.rom for device in bus.devices)
    where = next(i for i in range(64) if rom_bit(first, i) != rom_bit(second, i))
    answers = []
    for i in range(64):
        answers.append((bus.read_bit(), bus.read_bit()))
        bus.write_bit(rom_bit(second, i))
    assert answers[where] == (0, 0)
    # From the conflict on only the chosen one answers.
    assert [bit for bit, _ in answers[where + 1 :]] == [rom_bit(second, i) for i in range(where + 1, 64)]


def rom_bit(rom: bytes, position: int) -> int:
    return rom[position // 8] >> position % 8 & 1


def test_a_wrong_rom_is_refused(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="no 1-Wire ROM"):
        Ds18b20(bytes(7) + b"\x01", lambda: 0.0, clock)


def test_faults(bus: OneWireBus, clock: ManualClock) -> None:
    device = bus.devices[0]

    def measure() -> int:
        send(bus, SKIP_ROM, CONVERT)
        clock.advance(0.75)
        return int.from_bytes(scratchpad(bus, device)[:2], "little")

    assert measure() == code(3.3125)
    device.fault = Fault.OUT_OF_RANGE
    assert measure() == 0x07D0
    device.fault = Fault.STUCK
    assert measure() == 0x07D0
    device.fault = Fault.BROWNOUT
    assert measure() == 0x0550
    device.fault = Fault.CORRUPT
    assert crc8(scratchpad(bus, device)) != 0
    device.fault = Fault.DISCONNECTED
    assert scratchpad(bus, device) == b"\xff" * 9
    bus.fault = Fault.DISCONNECTED
    assert not bus.reset()
    assert bus.read_byte() == 0xFF
