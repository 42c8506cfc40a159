"""1-Wire with the interface that ESP32 firmware freezes."""

from collections.abc import Callable
from functools import partial

from hardware.virtual.board import Board
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.ds18b20 import Ds18b20, OneWireBus, rom
from hardware.virtual.clock import RealClock
from hardware.virtual.wiring import Wiring

MakeBoard = Callable[..., Board]

READ = """
import onewire, ds18x20, time
from machine import Pin
sensors = ds18x20.DS18X20(onewire.OneWire(Pin(4)))
roms = sorted(sensors.scan())
print([bytes(rom).hex() for rom in roms])
if roms:
    print([sensors.read_temp(rom) for rom in roms])
    sensors.convert_temp()
    time.sleep_ms(750)
    print([sensors.read_temp(rom) for rom in roms])
"""


async def printed(board: Board) -> list[str]:
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert board.stuck_because == "program ended", board.console.text()
    return [line for line in board.console.text().splitlines() if not line.startswith("---")]


async def test_search_and_read(make_board: MakeBoard) -> None:
    clock = RealClock()
    temperatures = {3: 3.3125, 0x10003: -10.125, 0x7FFF_FFFF_FFFF: 0.0, 1: 21.5}
    devices = [Ds18b20(rom(n), partial(float, celsius), clock) for n, celsius in temperatures.items()]
    board = make_board(READ, Wiring(onewire={4: OneWireBus(*devices)}))
    in_order = sorted((rom(serial), celsius) for serial, celsius in temperatures.items())
    assert await printed(board) == [
        str([code.hex() for code, _ in in_order]),
        str([85.0] * 4),
        str([celsius for _, celsius in in_order]),
    ]


async def test_a_broken_bus_finds_nothing(make_board: MakeBoard) -> None:
    bus = OneWireBus(Ds18b20(rom(1), lambda: 1.0, RealClock()))
    bus.fault = Fault.DISCONNECTED
    assert await printed(make_board(READ, Wiring(onewire={4: bus}))) == ["[]"]


async def test_byte_level(make_board: MakeBoard) -> None:
    main = """
import onewire
from machine import Pin
ow = onewire.OneWire(Pin(4))
print(ow.reset(), ow.writebyte(0x33), bytes(ow.readbyte() for _ in range(8)).hex())
ow.reset(); ow.write(b"\\xcc\\xbe")
buf = bytearray(9)
ow.readinto(buf)
print(buf[:2], ow.crc8(buf), ow.readbit())
print(onewire.OneWire(Pin(5)).reset())
"""
    board = make_board(main, Wiring(onewire={4: OneWireBus(Ds18b20(rom(9), lambda: 1.0, RealClock()))}))
    assert await printed(board) == [f"True None {rom(9).hex()}", "bytearray(b'P\\x05') 0 1", "False"]
