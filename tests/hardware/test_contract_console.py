"""What every console keeps: the virtual one, and pyserial on a port with a real MicroPython behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hardware.bench.serial_console import SerialConsole
from hardware.protocols import Console, InstrumentError
from hardware.virtual.bench import VirtualConsole, VirtualFlasher, VirtualPower
from hardware.virtual.clock import RealClock
from tests.hardware.instruments import device, running_board

MAIN = b"print('it runs')\nimport time\nwhile True: time.sleep(1)"
LIMIT_S = 60.0


@pytest.fixture(params=["virtual", "serial"])
async def console(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Console]:
    """A console at a board that runs MAIN."""
    if request.param == "virtual":
        dut = device(tmp_path)
        power, flasher = VirtualPower(dut), VirtualFlasher(dut)
        await power.on()
        await flasher.program()
        await flasher.files({"main.py": MAIN})
        await power.off()
        virtual = VirtualConsole(dut)
        await power.on()
        yield virtual
        await virtual.close()
        return
    board = running_board(tmp_path, MAIN)
    board.port.plug()
    serial = SerialConsole(str(board.port.path), RealClock())
    await board.plug()
    yield serial
    await serial.close()
    await board.close()


async def test_it_hears_what_the_program_prints(console: Console) -> None:
    assert (await console.until(r"it (\w+)\n", LIMIT_S))[1] == "runs"
    assert "it runs\n" in console.text()


async def test_only_what_came_after_the_mark_counts(console: Console) -> None:
    await console.until("it runs\n", LIMIT_S)
    with pytest.raises(TimeoutError, match=r"no 'it runs' within 0\.3 s"):
        await console.until("it runs", 0.3, len(console.text()))


async def test_a_script_interrupts_the_program_and_prints(console: Console) -> None:
    await console.until("it runs\n", LIMIT_S)
    assert await console.script("import sys\nprint(sys.implementation.name, 6 * 7)") == "micropython 42\n"
    long = "\n".join(f"a{i} = {i}" for i in range(200)) + "\nprint(a199)"
    assert await console.script(long) == "199\n"


async def test_a_script_that_fails_shows_the_boards_traceback(console: Console) -> None:
    await console.until("it runs\n", LIMIT_S)
    with pytest.raises(InstrumentError, match="ZeroDivisionError"):
        await console.script("1 // 0")
    assert await console.script("print(1)") == "1\n"
