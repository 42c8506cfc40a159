"""Wi-Fi: joining, losing it, and sockets to this machine."""

import asyncio
from collections.abc import Callable

from hardware.virtual.board import Board
from hardware.virtual.clock import RealClock
from hardware.virtual.wifi import AccessPoint

MakeBoard = Callable[..., Board]

JOIN = """
import network, socket, time
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
def join(ssid="narvik", key="secret"):
    wlan.connect(ssid, key)
    while wlan.status() == network.STAT_CONNECTING:
        time.sleep_ms(10)
    return wlan.isconnected(), wlan.status()
"""


async def printed(board: Board) -> list[str]:
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert board.stuck_because == "program ended", board.console.text()
    return [line for line in board.console.text().splitlines() if not line.startswith("---")]


async def test_join_and_talk(make_board: MakeBoard) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    main = (
        JOIN
        + f"""
print(wlan.status(), wlan.ifconfig()[0])
print(join(), wlan.status("rssi"), wlan.ifconfig()[0])
s = socket.socket()
s.connect(socket.getaddrinfo("127.0.0.1", {port})[0][-1])
s.send(b"hello\\n")
print(s.recv(100))
"""
    )
    clock = RealClock()
    access_point = AccessPoint(clock, "narvik", "secret", -71)
    lines = await printed(make_board(main, access_point=access_point, clock=clock))
    server.close()
    assert lines == ["1000 0.0.0.0", "(True, 1010) -71 127.0.0.1", "b'you said hello\\n'"]


async def test_without_a_network_nothing_joins_and_no_name_resolves(make_board: MakeBoard) -> None:
    clock = RealClock()
    access_point = AccessPoint(clock, "narvik", "secret")
    access_point.up = False
    main = (
        JOIN
        + """
print(join())
try:
    socket.getaddrinfo("127.0.0.1", 1)
except OSError as error:
    print(error.errno)
"""
    )
    assert await printed(make_board(main, access_point=access_point, clock=clock)) == ["(False, 201)", "-202"]


async def test_wrong_key_and_wrong_name(make_board: MakeBoard) -> None:
    clock = RealClock()
    main = JOIN + "print(join(key='guess'), join(ssid='other'))"
    board = make_board(main, access_point=AccessPoint(clock, "narvik", "secret"), clock=clock)
    assert await printed(board) == ["(False, 202) (False, 201)"]


async def test_the_world_takes_wifi_away_and_gives_it_back(make_board: MakeBoard) -> None:
    clock = RealClock()
    access_point = AccessPoint(clock, "narvik", "secret")
    main = (
        JOIN
        + """
print(join())
while wlan.isconnected(): time.sleep_ms(5)
print("gone", wlan.status())
while not wlan.isconnected(): time.sleep_ms(5)
print("back")
"""
    )
    board = make_board(main, access_point=access_point, clock=clock)
    await board.power_on()
    await board.until(lambda: "(True, 1010)" in board.console.text())
    access_point.up = False
    await board.until(lambda: "gone 201" in board.console.text())
    access_point.up = True
    await board.until(lambda: board.stuck)
    assert "back\n" in board.console.text()


async def test_connecting_needs_an_active_radio(make_board: MakeBoard) -> None:
    main = """
import network
try:
    network.WLAN(network.STA_IF).connect("narvik", "")
except OSError as error:
    print(error.errno != 0, network.WLAN(network.STA_IF).active())
"""
    assert await printed(make_board(main)) == ["True False"]
