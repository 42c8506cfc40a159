"""What every supply keeps: the virtual one, a relay board and a hub's port that switch the same board."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hardware.bench.usb_port import UsbPortPower
from hardware.bench.usb_relay import RelayPower
from hardware.protocols import Power
from hardware.virtual.bench import VirtualDevice, VirtualFlasher, VirtualPower
from hardware.virtual.board import State
from tests.hardware.instruments import HubPort, RelayBoard, device


@pytest.fixture(params=["virtual", "relay", "inverted relay", "usb port"])
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

    def port_switched(on: bool) -> None:
        working.add(asyncio.ensure_future(dut.supply(on)))

    power: Power
    if request.param == "virtual":
        power = VirtualPower(dut)
    elif request.param == "usb port":
        power = UsbPortPower(HubPort(port_switched), "1-1-port2")
    else:
        power = RelayPower(RelayBoard(switched), 2, inverted=inverted)
    yield power, dut
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


async def test_it_stays_off_for_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sleeping board lives on for a while on what its capacitors hold; to be off already costs nothing."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    for power in (UsbPortPower(HubPort(), "1-1-port2", off_s=1.5), RelayPower(RelayBoard(), 1, off_s=1.5)):
        await power.on()
        await power.off()
        await power.off()
        assert slept == [1.5]
        slept.clear()
