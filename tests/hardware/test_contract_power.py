"""What every supply keeps: the virtual one, and a relay board that switches the same board."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hardware.bench.usb_relay import RelayPower
from hardware.protocols import Power
from hardware.virtual.bench import VirtualDevice, VirtualFlasher, VirtualPower
from hardware.virtual.board import State
from tests.hardware.instruments import RelayBoard, device


@pytest.fixture(params=["virtual", "relay", "inverted relay"])
async def wired(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Power, VirtualDevice]]:
    """A supply and the board behind it, on which a program sleeps."""
    dut = device(tmp_path)
    dut.has_supply = True
    flasher = VirtualFlasher(dut)
    await flasher.program()
    await flasher.files({"main.py": b"import time\nwhile True: time.sleep(1)"})
    await dut.supply(False)
    inverted = request.param == "inverted relay"
    working: set[asyncio.Task[None]] = set()

    def switched(relay: int, on: bool) -> None:
        if relay == 2:
            working.add(asyncio.ensure_future(dut.supply(on != inverted)))

    yield (
        (
            VirtualPower(dut)
            if request.param == "virtual"
            else RelayPower(RelayBoard(switched), 2, inverted=inverted)
        ),
        dut,
    )
    await asyncio.gather(*working)
    await dut.board.close()


async def test_on_starts_the_program_and_off_ends_it(wired: tuple[Power, VirtualDevice]) -> None:
    power, dut = wired
    for starts in (1, 2):
        await power.on()
        await dut.board.until(lambda: dut.board.state is State.RUNNING)
        assert dut.board.counts.starts == starts
        await power.off()
        await dut.board.until(lambda: dut.board.state is State.OFF)


async def test_what_is_so_already_changes_nothing(wired: tuple[Power, VirtualDevice]) -> None:
    power, dut = wired
    await power.off()
    await power.on()
    await power.on()
    await dut.board.until(lambda: dut.board.state is State.RUNNING)
    await asyncio.sleep(0)
    assert dut.board.counts.starts == 1
