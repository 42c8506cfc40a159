"""What every current meter keeps: the virtual one, and an INA219 at its registers, at the same board."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hardware.bench.ina219 import Ina219
from hardware.protocols import Meter
from hardware.virtual.bench import ASLEEP_UA, RUNNING_UA, VirtualDevice, VirtualFlasher, VirtualMeter
from hardware.virtual.board import State
from tests.hardware.instruments import Ina219Chip, device

MAIN = b"import machine\nmachine.deepsleep(100000)"
SHUNT_MOHM = 1000.0  # resolves 10 uA


@pytest.fixture(params=["virtual", "ina219"])
async def wired(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Meter, VirtualDevice]]:
    """A meter in the supply of a board that is off and will sleep."""
    dut = device(tmp_path)
    dut.has_supply = True
    flasher = VirtualFlasher(dut)
    await flasher.program()
    await flasher.files({"main.py": MAIN})
    await dut.supply(False)

    def load_ua() -> float:
        return {State.OFF: 0.0, State.ASLEEP: ASLEEP_UA}.get(dut.board.state, RUNNING_UA)

    yield (
        (
            VirtualMeter(dut.board, dut.clock)
            if request.param == "virtual"
            else Ina219(Ina219Chip(load_ua, SHUNT_MOHM), dut.clock, SHUNT_MOHM)
        ),
        dut,
    )
    await dut.board.close()


async def test_nothing_flows_without_supply(wired: tuple[Meter, VirtualDevice]) -> None:
    meter, _ = wired
    charge = await meter.measure(0.1)
    assert (charge.uc, charge.peak_ua) == (0.0, 0.0)
    assert charge.seconds >= 0.1


async def test_a_start_that_falls_asleep_is_seen(wired: tuple[Meter, VirtualDevice]) -> None:
    meter, dut = wired
    measuring = asyncio.ensure_future(meter.measure(1.5))
    await asyncio.sleep(0)
    await dut.supply(True)
    charge = await measuring
    assert charge.peak_ua == pytest.approx(RUNNING_UA, abs=20)
    assert 0 < charge.mean_ua < RUNNING_UA
    assert charge.uc == pytest.approx(charge.mean_ua * charge.seconds)
    await dut.board.until(lambda: dut.board.asleep)
    assert (await meter.measure(0.1)).mean_ua == pytest.approx(ASLEEP_UA, abs=10)
