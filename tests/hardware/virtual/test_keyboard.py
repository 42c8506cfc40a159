"""MicroPython's own prompt behind a virtual board's serial port."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hardware.virtual.board import Board

SLEEPS = b"import time\nprint('awake')\nwhile True:\n    time.sleep(1)\n"


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Board]:
    made = Board("keys", tmp_path, prompt=True)
    yield made
    await made.close()


async def test_the_prompt_opens_where_the_program_ends(board: Board) -> None:
    board.install({"main.py": b"x = 6\nprint('done')\n"})
    await board.power_on()
    await board.until(lambda: ">>> " in board.console.text())
    board.type(b"print(6 * 7)\r")
    await board.until(lambda: "\n42" in board.console.text())
    assert board.stuck


async def test_ctrl_c_interrupts_the_program_and_what_follows_waits_for_the_prompt(board: Board) -> None:
    board.install({"main.py": SLEEPS})
    await board.power_on()
    await board.until(lambda: "awake" in board.console.text())
    board.type(b"\r\x03print(6 * 7)\r")
    await board.until(lambda: "\n42" in board.console.text())
    assert "KeyboardInterrupt" in board.console.text()


async def test_ctrl_d_starts_the_program_anew(board: Board) -> None:
    board.install({"main.py": b"print('begun')\n"})
    await board.power_on()
    await board.until(lambda: ">>> " in board.console.text())
    board.type(b"\x04")
    await board.until(lambda: board.console.text().count("begun") == 2)
    assert "soft reboot" in board.console.text()
    assert board.counts.software_resets == 1


async def test_without_a_prompt_keys_go_nowhere(tmp_path: Path) -> None:
    board = Board("deaf", tmp_path)
    board.install({"main.py": b"print('done')\n"})
    await board.power_on()
    await board.until(lambda: board.stuck)
    board.type(b"print(6 * 7)\r")
    assert "42" not in board.console.text()
    await board.close()


LISTENS = b"""
import select, sys
arrivals = select.poll()
arrivals.register(sys.stdin, select.POLLIN)
print("listening")
while True:
    arrivals.poll()
    print("got", sys.stdin.buffer.read(1)[0])
"""


async def test_a_program_that_listens_gets_each_byte_and_ctrl_c_still_ends_it(board: Board) -> None:
    board.install({"main.py": LISTENS})
    await board.power_on()
    board.type(b"B")  # before it listens
    await board.until(lambda: "listening" in board.console.text())
    board.type(b"\x04\x7f\xff")
    await board.until(lambda: all(f"got {byte}\n" in board.console.text() for byte in (66, 4, 127, 255)))
    board.type(b"\r\x03print(6 * 7)\r")
    await board.until(lambda: "\n42" in board.console.text())
    assert "KeyboardInterrupt" in board.console.text()
    board.type(b"\x04")
    await board.until(lambda: board.console.text().count("listening") == 2)
    board.type(b"A")
    await board.until(lambda: "got 65\n" in board.console.text())
