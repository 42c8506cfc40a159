"""The stimulus board: its driver, and real MicroPython in the role on a virtual board behind a port."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_configs.loader import SITES, load_site
from hardware.bench.stimulus import StimulusBoard, checked, text_of
from hardware.protocols import InstrumentError
from hardware.virtual.usb_port import Cable
from tests.hardware.stimulus_board import SETTINGS, StimulusOnBench
from tests.waiting import until

LIMIT_S = 120.0
INTAKE, SNOW = 11, 21
SITE = load_site(SITES / "narvik-demo")


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[StimulusOnBench]:
    made = StimulusOnBench(tmp_path)
    await made.bench.plug()
    yield made
    await made.bench.close()


async def test_it_says_what_it_can_play(board: StimulusOnBench) -> None:
    driver = StimulusBoard(board.port, SITE.node(INTAKE))
    try:
        assert await driver.known() == {"ranger", "meter", "contact", "probe", "loop0", "loop1"}
        assert driver.channels == {"up", "down"}
    finally:
        await driver.close()


async def test_a_ranger_speaks_until_it_is_silenced(board: StimulusOnBench) -> None:
    driver = StimulusBoard(board.port, SITE.node(SNOW))
    try:
        await driver.set("distance", 2345)
        await until(lambda: board.ranger.content.count(b"R2345\r") >= 3, LIMIT_S)
        await driver.silence()
        said = board.ranger.content
        await driver.known()
        assert len(board.ranger.content) <= len(said)
        assert set(said.split(b"\r")) == {b"R2345", b""}
    finally:
        await driver.close()


async def test_a_loop_is_its_shunts_voltage(board: StimulusOnBench) -> None:
    driver = StimulusBoard(board.port, SITE.node(INTAKE))
    try:
        await driver.set("up", -200)  # the zero of its calibration: 4 mA over 100 ohms
        await driver.set("down", 2900)  # its full scale
        assert board.dacs[0].volts == pytest.approx(0.4, abs=0.001)
        assert board.dacs[1].volts == pytest.approx(2.0, abs=0.001)
        with pytest.raises(InstrumentError, match="beyond what the DAC can show"):
            await driver.set("up", 9000)
    finally:
        await driver.close()


async def test_a_meters_recording_and_pulses(board: StimulusOnBench) -> None:
    """In pieces, as frames are longer than lines; over and over, as a meter's lists are."""
    frames = [bytes(range(256)) + b"\x7e" * 140, b"\x7e short \x7e"]
    driver = StimulusBoard(board.port, SITE.node(INTAKE))
    try:
        await driver.meter(frames, 0.1)
        await until(lambda: (frames[0] + frames[1]) * 2 in board.meter.content, LIMIT_S)
        await driver.meter([], 0)
        await driver.pulses([0.03] * 30 + [0.08], low_s=0.01)
        async with asyncio.timeout(LIMIT_S):
            while await driver.played() < 31:  # noqa: ASYNC110  it is asked
                await asyncio.sleep(0.02)
        assert board.contact.closings == 31
    finally:
        await driver.close()


async def test_the_reference_probe_says_what_others_should_read(board: StimulusOnBench) -> None:
    driver = StimulusBoard(board.port, SITE.node(INTAKE))
    try:
        board.water_c = 3.5
        assert await driver.probe_c() == pytest.approx(3.5, abs=0.07)
    finally:
        await driver.close()


async def test_a_noisy_line_costs_time_only(board: StimulusOnBench) -> None:
    driver = StimulusBoard(board.port, SITE.node(INTAKE))
    try:
        await driver.known()
        board.bench.port.cable = Cable(noise=0.01)
        for mm in (100, 700, 1300):
            await driver.set("up", mm)
            assert board.dacs[0].volts == pytest.approx(0.4 + 1.6 * (mm + 200) / 3000, abs=0.001)
    finally:
        await driver.close()


async def test_what_it_does_not_play_and_who_is_not_there(tmp_path: Path, board: StimulusOnBench) -> None:
    driver = StimulusBoard(board.port, SITE.node(INTAKE))
    try:
        with pytest.raises(InstrumentError, match="nothing plays `water` here; known: down, up"):
            await driver.set("water", 4)
        with pytest.raises(InstrumentError, match="nothing presses the board's button here: wire"):
            await driver.press()
        with pytest.raises(InstrumentError, match="no, frame: "):
            await driver._ask("frame 99 0 00")
        with pytest.raises(InstrumentError, match="there is no such command: dance"):
            await driver._ask("dance")
    finally:
        await driver.close()
    with pytest.raises(InstrumentError, match="Is it plugged in"):
        StimulusBoard(str(tmp_path / "ttyUSB9"), SITE.node(INTAKE))


async def test_it_plays_what_is_wired_to_it_alone(tmp_path: Path) -> None:
    """A channel whose output the board lacks is none of the bench's: its tests are skipped, not failed."""
    one_loop = {**SETTINGS["stimulus"], "loops": {**SETTINGS["stimulus"]["loops"], "addresses": [0x60]}}
    made = StimulusOnBench(tmp_path, {**SETTINGS, "stimulus": one_loop})
    await made.bench.plug()
    driver = StimulusBoard(made.port, SITE.node(INTAKE))
    try:
        assert "loop1" not in await driver.known()
        assert driver.channels == {"up"}
        with pytest.raises(InstrumentError, match="nothing plays `down` here; known: up"):
            await driver.set("down", 100)
    finally:
        await driver.close()
        await made.bench.close()


def test_the_check_of_a_line() -> None:
    assert text_of(checked("7 ranger 2345").decode().strip()) == "7 ranger 2345"
    assert text_of("7 ranger 2346*" + checked("7 ranger 2345").decode().strip()[-2:]) is None
    assert text_of("") is None
