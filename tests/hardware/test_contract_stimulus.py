"""What every stimulus keeps: the virtual one, and the stimulus board on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Wired:
    """A stimulus of the intake's board; the volts at the inputs of its ADC, and how often it was pressed."""

    stimulus: Stimulus
    volts: Callable[[int], float]
    presses: Callable[[], int]


@pytest.fixture(params=["virtual", "board"])
async def wired(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wired]:
    dut = device(tmp_path / "dut")
    if request.param == "virtual":
        (adc,) = (chip for chip in dut.board.wiring.chips() if isinstance(chip, Ads1115))
        for chip in dut.board.wiring.chips():
            if isinstance(chip, Switch):
                chip.driven(chip._on_level)
        levels: list[int] = []
        assert dut.button
        dut.button.listen(levels.append)
        yield Wired(VirtualStimulus(dut), lambda number: adc._inputs[number](), lambda: levels.count(0))
    else:
        board = StimulusOnBench(tmp_path / "stimulus")
        await board.bench.plug()
        driver = StimulusBoard(board.port, dut.node, button=True)
        yield Wired(driver, lambda number: board.dacs[number].volts, lambda: board.contact.closings)
        await driver.close()
        await board.bench.close()
    await dut.board.close()


async def test_the_boards_sensors_see_what_was_set(wired: Wired) -> None:
    stimulus, volts = wired.stimulus, wired.volts
    assert stimulus.channels >= {"up", "down"}
    await stimulus.set("up", 400)  # a fifth of the way from -200 to 2800
    await stimulus.set("down", 1400)  # half of the way from -100 to 2900
    async with asyncio.timeout(LIMIT_S):
        while volts(0) == 0:  # noqa: ASYNC110  a transmitter settles
            await asyncio.sleep(0.05)
    assert volts(0) == pytest.approx(0.72, abs=0.002)
    assert volts(1) == pytest.approx(1.2, abs=0.002)


async def test_a_channel_that_nothing_plays_is_refused(wired: Wired) -> None:
    with pytest.raises(InstrumentError, match=r"nothing plays `snow` here; known: .*down, up"):
        await wired.stimulus.set("snow", 1)


async def test_a_press_is_one_press_that_is_over(wired: Wired) -> None:
    assert wired.stimulus.button
    for times in (1, 2):
        await wired.stimulus.press()
        assert wired.presses() == times
