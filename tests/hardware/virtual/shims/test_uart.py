"""UARTs: reading with time-outs, poll, asyncio, and lines whose ends disagree."""

import itertools
from collections.abc import Callable

from hardware.virtual.board import Board
from hardware.virtual.chips.han_meter import HanMeter
from hardware.virtual.chips.mb7374 import Mb7374
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import RealClock
from hardware.virtual.wiring import UartLine, Wiring

MakeBoard = Callable[..., Board]


class Echo(SerialChip):
    """Answers each request with the same bytes."""

    def received(self, content: bytes) -> None:
        self.send(content)


def wired(chip: SerialChip) -> Wiring:
    return Wiring(uart=(UartLine(tx=17, rx=16, chip=chip),))


async def printed(board: Board) -> list[str]:
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert board.stuck_because == "program ended", board.console.text()
    return [line for line in board.console.text().splitlines() if not line.startswith("---")]


async def test_ranger(make_board: MakeBoard) -> None:
    main = """
from machine import UART, Pin
uart = UART(2, 9600, tx=Pin(17), rx=Pin(16), timeout=20000, timeout_char=20000)
print(uart.read(7))
"""
    assert await printed(make_board(main, wired(Mb7374(lambda: 2345, RealClock())))) == ["b'\\xffR2345\\r'"]


async def test_read_forms(make_board: MakeBoard) -> None:
    main = """
from machine import UART
import time
uart = UART(2, 115200, timeout=0)
print(uart.read(), uart.any(), uart.write(b"first\\nsecond"))
while uart.any() < 12:
    time.sleep_ms(5)
print(uart.any(), uart.readline(), uart.read(3), uart.any())
buf = bytearray(10)
print(uart.readinto(buf), buf[:3], uart.readinto(buf), uart.readline())
uart.write(b"lost")
while uart.any() < 4:
    time.sleep_ms(5)
uart.init(115200)
print(uart.read())
"""
    assert await printed(make_board(main, wired(Echo(LineSettings(115200))))) == [
        "None 0 12", "12 b'first\\n' b'sec' 3", "3 bytearray(b'ond') None None", "None",
    ]  # fmt: skip


async def test_poll_sleeps_until_a_byte_comes(make_board: MakeBoard) -> None:
    main = """
from machine import UART
import select, time
uart = UART(2, 115200)
poll = select.poll()
poll.register(uart, select.POLLIN)
t = time.ticks_ms()
print(poll.poll(100), time.ticks_diff(time.ticks_ms(), t) >= 99)
uart.write(b"x")
print(len(poll.poll(60000)), time.ticks_diff(time.ticks_ms(), t) < 60000)
"""
    assert await printed(make_board(main, wired(Echo(LineSettings(115200))))) == ["[] True", "1 True"]


async def test_asyncio_stream(make_board: MakeBoard) -> None:
    main = """
import asyncio
from machine import UART
async def read():
    uart = UART(2, 2400, rxbuf=512)
    uart.write(b"~" * 200 + b"first\\nsecond\\n")  # almost a second on the line
    stream = asyncio.StreamReader(uart)
    print((await stream.readline())[199:], await stream.readexactly(3), await stream.readexactly(4))
async def tick():
    global ticks
    while True:
        ticks += 1
        await asyncio.sleep_ms(10)
async def both():
    task = asyncio.create_task(tick())
    await read()
ticks = 0
asyncio.run(both())
print(ticks > 2)
"""
    assert await printed(make_board(main, wired(Echo(LineSettings(2400))))) == [
        "b'~first\\n' b'sec' b'ond\\n'", "True",
    ]  # fmt: skip


async def test_bytes_travel_at_the_lines_speed(make_board: MakeBoard) -> None:
    main = """
from machine import UART
import time
uart = UART(2, 2400, timeout=20000, timeout_char=20000)
t = time.ticks_ms()
uart.write(bytes(120))
print(len(uart.read(120)), time.ticks_diff(time.ticks_ms(), t) > 480)
"""
    assert await printed(make_board(main, wired(Echo(LineSettings(2400))))) == ["120 True"]


async def test_the_receive_buffer_overflows(make_board: MakeBoard) -> None:
    main = """
from machine import UART
import time
uart = UART(2, 115200, rxbuf=64)
uart.write(bytes(range(200)))
while uart.any() < 64:
    time.sleep_ms(5)
print(uart.any(), uart.read()[-1])
"""
    assert await printed(make_board(main, wired(Echo(LineSettings(115200))))) == ["64 63"]


async def test_wrong_settings_give_garbage(make_board: MakeBoard) -> None:
    main = """
from machine import UART
import time
uart = UART(2, 9600, timeout=60000)
print(b"R1234" in uart.read(20), UART(1, 9600, timeout=10).read())
"""
    # Again and again: what it says before the board listens is lost.
    frames = ((0.2 * number, b"R1234\r") for number in itertools.count(1))
    chip = HanMeter(frames, RealClock(), LineSettings(2400))
    assert await printed(make_board(main, wired(chip))) == ["False None"]
