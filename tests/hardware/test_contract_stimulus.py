"""What every stimulus keeps: the virtual one, and the stimulus board on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hardware.bench.stimulus import StimulusBoard
from hardware.protocols import InstrumentError, Stimulus
from hardware.virtual.bench import VirtualStimulus
from hardware.virtual.chips.ads1115 import Ads1115
from hardware.virtual.chips.gpio import Switch
from tests.hardware.instruments import device
from tests.hardware.stimulus_board import StimulusOnBench

LIMIT_S = 60.0
Volts = Callable[[int], float]


@pytest.fixture(params=["virtual", "board"])
async def wired(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Stimulus, Volts]]:
    """A stimulus of the intake's board, and the volts at the inputs of its ADC."""
    dut = device(tmp_path / "dut")
    if request.param == "virtual":
        (adc,) = (chip for chip in dut.board.wiring.chips() if isinstance(chip, Ads1115))
        for chip in dut.board.wiring.chips():
            if isinstance(chip, Switch):
                chip.driven(chip._on_level)
        yield VirtualStimulus(dut), lambda number: adc._inputs[number]()
    else:
        board = StimulusOnBench(tmp_path / "stimulus")
        await board.bench.plug()
        driver = StimulusBoard(board.port, dut.node)
        yield driver, lambda number: board.dacs[number].volts
        await driver.close()
        await board.bench.close()
    await dut.board.close()


async def test_the_boards_sensors_see_what_was_set(wired: tuple[Stimulus, Volts]) -> None:
    stimulus, volts = wired
    assert stimulus.channels >= {"up", "down"}
    await stimulus.set("up", 400)  # a fifth of the way from -200 to 2800
    await stimulus.set("down", 1400)  # half of the way from -100 to 2900
    async with asyncio.timeout(LIMIT_S):
        while volts(0) == 0:  # noqa: ASYNC110  a transmitter settles
            await asyncio.sleep(0.05)
    assert volts(0) == pytest.approx(0.72, abs=0.002)
    assert volts(1) == pytest.approx(1.2, abs=0.002)


async def test_a_channel_that_nothing_plays_is_refused(wired: tuple[Stimulus, Volts]) -> None:
    stimulus, _ = wired
    with pytest.raises(InstrumentError, match=r"nothing plays `snow` here; known: .*down, up"):
        await stimulus.set("snow", 1)
