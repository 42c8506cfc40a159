"""A serial port that goes away and comes back, and one that is not there."""

import asyncio
from pathlib import Path

import pytest

from hardware.bench.serial_console import SerialConsole
from hardware.protocols import InstrumentError
from hardware.virtual.clock import RealClock
from tests.hardware.instruments import running_board

MAIN = b"import time\nwhile True:\n    print('tick')\n    time.sleep_ms(50)"
LIMIT_S = 60.0


async def test_a_port_that_comes_back_with_the_supply_is_heard_again(tmp_path: Path) -> None:
    board = running_board(tmp_path, MAIN)
    await board.plug()
    console = SerialConsole(str(board.port.path), RealClock())
    try:
        await console.until("tick", LIMIT_S)
        await board.unplug()
        await asyncio.sleep(0.2)
        with pytest.raises(InstrumentError, match="is gone: has the board lost its USB supply"):
            await console.script("1")
        await board.plug()
        await console.until("tick", LIMIT_S, len(console.text()))
    finally:
        await console.close()
        await board.close()


async def test_while_it_is_lent_somebody_else_has_the_port(tmp_path: Path) -> None:
    board = running_board(tmp_path, MAIN)
    await board.plug()
    console = SerialConsole(str(board.port.path), RealClock())
    try:
        with pytest.raises(InstrumentError, match="can not be opened"):
            SerialConsole(str(board.port.path), RealClock())
        async with console.lent() as path:
            other = SerialConsole(path, RealClock())
            await other.until("tick", LIMIT_S)
            await other.close()
        await console.until("tick", LIMIT_S, len(console.text()))
    finally:
        await console.close()
        await board.close()


async def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="Is the adapter plugged in"):
        SerialConsole(str(tmp_path / "ttyUSB7"), RealClock())
