"""The tester's clock: virtual time passes only while he waits. And the board's, which the cold slows."""

import asyncio
from pathlib import Path

import pytest

from device_configs.loader import SITES, load_site
from hardware.protocols import InstrumentError
from hardware.virtual.bench import HeldClock, VirtualDevice, VirtualStimulus
from hardware.virtual.clock import VirtualClock

HOUR_S = 3600.0


async def test_it_jumps_while_the_tester_waits_and_not_while_he_looks() -> None:
    clock = VirtualClock()
    tester = HeldClock(clock)
    rung: list[float] = []
    clock.call_later(HOUR_S, lambda: rung.append(clock.monotonic_s()))
    await asyncio.sleep(0.05)
    assert rung == []
    await tester.sleep(HOUR_S / 2)
    await asyncio.sleep(0.05)
    assert rung == []
    assert HOUR_S / 2 <= tester.monotonic_s() < HOUR_S / 2 + 60
    await tester.sleep(HOUR_S)
    assert len(rung) == 1


async def test_a_wait_that_is_given_up_holds_the_clock_again() -> None:
    clock = VirtualClock()
    tester = HeldClock(clock)
    waiting = asyncio.ensure_future(tester.sleep(2 * HOUR_S))
    clock.hold()  # the board computes
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.release()  # ... and sleeps
    await asyncio.sleep(0.05)
    assert tester.monotonic_s() < HOUR_S


async def test_a_board_in_the_cold_sleeps_longer_by_what_each_degree_adds(tmp_path: Path) -> None:
    """Asked for an hour: 1 % at 20 degrees Celsius, 0.1 % more for each degree below."""
    site, clock = load_site(SITES / "narvik-demo"), VirtualClock()
    dut = VirtualDevice(site.node(11), site.catalog, tmp_path, clock, "bench", 10_000, -1000)
    stimulus, rtc = VirtualStimulus(dut), dut.board._circuit.rtc
    for air_c, share in ((20, 1.01), (-10, 1.04), (30, 1.0)):
        await stimulus.set("air", air_c)
        assert rtc.sleep_s(HOUR_S) == pytest.approx(HOUR_S * share)
    await dut.board.close()


async def test_a_stimulus_that_plays_less_says_so(tmp_path: Path) -> None:
    site, clock = load_site(SITES / "narvik-demo"), VirtualClock()
    dut = VirtualDevice(site.node(11), site.catalog, tmp_path, clock, "bench")
    stimulus = VirtualStimulus(dut, ("up", "down", "distance"), button=False)
    assert stimulus.channels == {"up", "down"}
    with pytest.raises(InstrumentError, match="nothing plays `air` here; known: down, up"):
        await stimulus.set("air", 1)
    with pytest.raises(InstrumentError, match="nothing presses the board's button"):
        await stimulus.press()
    await dut.board.close()
