"""Interrupts arrive while a poll waits, also while asyncio sleeps; virtual time waits for servers."""

import asyncio
from collections.abc import Callable

from hardware.virtual.board import Board
from hardware.virtual.chips.gpio import PulseContact
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import RealClock, VirtualClock
from hardware.virtual.wifi import AccessPoint
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


LOOK = """
import network, select, socket, time
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("narvik", "")
while not wlan.isconnected():
    time.sleep_ms(20)
server = socket.socket()
server.connect(socket.getaddrinfo("127.0.0.1", {port})[0][-1])
waiting = select.poll()
waiting.register(server, select.POLLIN)

def look():
    began = time.ticks_ms()
    found = waiting.poll(0)
    assert not found
    return time.ticks_diff(time.ticks_ms(), began)

first = look()
again = []
for _ in range(10):
    time.sleep_ms(20)
    again.append(look())
time.sleep_ms(2000)
print("waited", first >= 190, min(again) < first, 40 <= look())
server.send(b"hello\\n")
while not waiting.poll(0):
    time.sleep_ms(20)
print(server.recv(100))
"""


async def test_virtual_time_waits_for_a_server_at_the_first_look(make_board: MakeBoard) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = VirtualClock()
    board = make_board(LOOK.format(port=port), access_point=AccessPoint(clock), clock=clock)
    await board.power_on()
    await board.until(lambda: board.stuck)
    server.close()
    printed = [line for line in board.console.text().splitlines() if not line.startswith("---")]
    assert printed == ["waited True True True", "b'you said hello\\n'"]
