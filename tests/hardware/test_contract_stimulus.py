"""What every stimulus keeps; so far there is the virtual one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hardware.protocols import InstrumentError, Stimulus
from hardware.virtual.bench import VirtualDevice, VirtualStimulus
from tests.hardware.instruments import device


@pytest.fixture
async def wired(tmp_path: Path) -> AsyncIterator[tuple[Stimulus, VirtualDevice]]:
    dut = device(tmp_path)
    yield VirtualStimulus(dut), dut
    await dut.board.close()


async def test_the_boards_sensors_see_what_was_set(wired: tuple[Stimulus, VirtualDevice]) -> None:
    stimulus, dut = wired
    assert stimulus.channels == {"up", "down", "water", "air", "battery"}
    await stimulus.set("battery", 3.1)
    (cell,) = dut.board.wiring.adc.values()
    assert cell.pin_uv() == 1_550_000


async def test_a_channel_that_nothing_plays_is_refused(wired: tuple[Stimulus, VirtualDevice]) -> None:
    stimulus, _ = wired
    said = "nothing plays `snow` here; known: air, battery, down, up, water"
    with pytest.raises(InstrumentError, match=said):
        await stimulus.set("snow", 1)
