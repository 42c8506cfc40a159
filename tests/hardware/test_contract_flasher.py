"""What every flasher keeps: the virtual one, and the real esptool against the ROM's serial loader."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.bench.flasher import EsptoolFlasher
from hardware.bench.serial_console import SerialConsole
from hardware.protocols import Console, Flasher, InstrumentError, Power
from hardware.virtual.bench import VirtualConsole, VirtualFlasher, VirtualPower
from hardware.virtual.clock import RealClock
from hardware.virtual.workbench import BoardOnBench
from tests.hardware.instruments import device
from tests.tools.node.bench import blank, program

# A port that comes with the board's own supply is open a moment later: what is printed before is lost.
AGAIN = b"import os, time\nwhile True:\n    time.sleep(0.2)\n    "
TREE = {"main.py": AGAIN + b"print('files', sorted(os.listdir('/lib')))", "lib/a.py": b"1", "lib/b.py": b"2"}
LIMIT_S = 60.0


class Cable:
    """The USB cable as the supply of a board on the workbench."""

    def __init__(self, board: BoardOnBench) -> None:
        self._board = board

    async def on(self) -> None:
        await self._board.plug()

    async def off(self) -> None:
        await self._board.unplug()


@dataclass(slots=True)
class Blank:
    """A board fresh from the factory, with supply, and what reaches it."""

    console: Console
    power: Power
    flasher: Flasher


@pytest.fixture(params=["virtual", "esptool"])
async def dut(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blank]:
    if request.param == "virtual":
        made = device(tmp_path)
        console = VirtualConsole(made)
        power = VirtualPower(made)
        await power.on()
        yield Blank(console, power, VirtualFlasher(made))
        await console.close()
        return
    image = tmp_path / "micropython.bin"
    image.write_bytes(program("esp32"))
    board = blank("dut", tmp_path, tmp_path / "ports")
    await board.plug()
    serial = SerialConsole(str(board.port.path), RealClock())
    yield Blank(serial, Cable(board), EsptoolFlasher(serial, "esp32", image, flash_mb=4))
    await serial.close()
    await board.close()


async def test_program_and_files_run_after_the_next_power_on_and_others_replace_them(dut: Blank) -> None:
    await dut.flasher.program()
    await dut.flasher.files(TREE)
    await dut.power.off()
    await dut.power.on()
    await dut.console.until(r"files \['a.py', 'b.py'\]", LIMIT_S)
    await dut.flasher.files({"main.py": AGAIN + b"print('left', os.listdir('/'))"})
    await dut.power.off()
    await dut.power.on()
    left = await dut.console.until(r"left (\[[^]]*'main.py'[^]]*\])", LIMIT_S)
    assert "lib" not in left[1]


async def test_a_board_without_supply_is_told(dut: Blank) -> None:
    await dut.power.off()
    for flash in (dut.flasher.program(), dut.flasher.files({"main.py": b"1"})):
        with pytest.raises(InstrumentError):
            await flash
    await dut.power.on()
    await dut.flasher.program()
