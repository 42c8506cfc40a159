"""Interrupts arrive while a poll waits, as on the chip: also while asyncio sleeps."""

from collections.abc import Callable

from hardware.virtual.board import Board
from hardware.virtual.chips.gpio import PulseContact
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import RealClock
from hardware.virtual.wiring import UartLine, Wiring

MakeBoard = Callable[..., Board]

ASLEEP = """
import asyncio
from machine import Pin
flag = asyncio.ThreadSafeFlag()
def closed(pin):
    print("closed")
    flag.set()
async def main():
    Pin(33, Pin.IN).irq(closed, Pin.IRQ_FALLING)
    print("ready")
    await flag.wait()
    print("woken")
asyncio.run(main())
"""

POLL = """
import select
from machine import Pin, UART
uart = UART(2, 9600, tx=17, rx=16)
Pin(33, Pin.IN).irq(lambda pin: print("closed"), Pin.IRQ_FALLING)
waiting = select.poll()
print("ready", waiting.poll(20), list(waiting.ipoll(0)))
waiting.register(uart, select.POLLIN)
((who, event),) = waiting.ipoll()
print(who is uart, event == select.POLLIN, uart.read())
waiting.unregister(uart)
print(waiting.poll(10))
"""


async def test_asyncio_asleep(make_board: MakeBoard) -> None:
    clock = RealClock()
    contact = PulseContact(lambda: 0, clock)
    board = make_board(ASLEEP, Wiring(pins={33: contact}), clock=clock)
    await board.power_on()
    await board.until(lambda: "ready" in board.console.text())
    await contact.tip()
    await board.until(lambda: board.stuck)
    printed = [line for line in board.console.text().splitlines() if not line.startswith("---")]
    assert printed == ["ready", "closed", "woken"]


async def test_a_poll_goes_on_after_an_interrupt(make_board: MakeBoard) -> None:
    clock = RealClock()
    contact = PulseContact(lambda: 0, clock)
    speaker = SerialChip(LineSettings(9600))
    wiring = Wiring(uart=(UartLine(17, 16, speaker),), pins={33: contact})
    board = make_board(POLL, wiring, clock=clock)
    await board.power_on()
    await board.until(lambda: "ready" in board.console.text())
    await contact.tip()
    await board.until(lambda: "closed" in board.console.text())
    speaker.send(b"x")
    await board.until(lambda: board.stuck)
    printed = [line for line in board.console.text().splitlines() if not line.startswith("---")]
    assert printed == ["ready [] []", "closed", "True True b'x'", "[]"]
