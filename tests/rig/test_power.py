"""Supply that goes at any moment, that breaks down under the radio, and a battery that gets low."""

import asyncio
import random

import pytest

from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.conftest import INTERVAL_S
from tests.rig.gateway import RigGateway
from wire.frame import parse_header

pytestmark = pytest.mark.servers

SEED, CUTS = 12, 8
LONGEST_S = 0.6  # a virtual wake is over by then; on a real board this falls into the middle
TRIES, REST_S, STOP_S = 3, 600, 3600  # what the firmware promises: guard.py, power.py


async def shown(bench: Bench, air: float) -> None:
    """Make each start's records tell from the others', where the bench can."""
    if bench.stimulus and "air" in bench.stimulus.channels:
        await bench.stimulus.set("air", air)


async def test_power_cuts_at_any_moment_cost_no_record_and_no_counter(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    dice = random.Random(SEED)
    await dut.to(State.ASLEEP)
    for cut in range(CUTS):
        await shown(bench, 1.0 + cut)
        await bench.power.off()
        await bench.power.on()
        await bench.clock.sleep(dice.uniform(0.1, LONGEST_S))
        if cut % 2 == 1:  # a start that comes to its end, or the node would begin to rest
            dut.lost()
            await dut.to(State.ASLEEP)
    await shown(bench, 20.0)
    await dut.restart()
    await dut.to(State.ASLEEP)
    text = bench.console.text()
    said = printed.records(text)
    await gateway.until_stored(len(said), 60)
    assert len(said) > CUTS / 2
    assert said.items() <= gateway.records().items()
    assert len(gateway.records()) - len(said) <= CUTS  # stored, and cut before it was printed
    assert gateway.refused() == {}
    assert len(printed.epochs(text)) == 1
    boots = printed.boots(text)
    assert boots == sorted(set(boots))
    assert gateway.status()["boot"][0] == boots[-1]


async def test_no_frame_counter_is_used_twice_whenever_the_supply_goes(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    """The supply goes while the node waits for an answer to what it has just sent."""
    await dut.to(State.PROVISIONED)
    await gateway.stop()
    async with gateway.overheard() as frames, asyncio.timeout(60):
        for _ in range(TRIES):
            heard = len(frames)
            await bench.power.off()
            await bench.power.on()
            while len(frames) == heard:  # noqa: ASYNC110  it has no event
                await asyncio.sleep(0.01)
        await bench.power.off()
    counters = [parse_header(frame).counter for frame in frames]
    assert len(counters) >= TRIES
    assert len(set(counters)) == len(counters), counters


async def test_records_that_nobody_heard_survive_a_power_cut(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    await dut.to(State.ASLEEP)
    await gateway.until_stored(1, 60)
    await gateway.stop()
    await bench.clock.sleep(2 * INTERVAL_S)
    await dut.to(State.OFF)
    await gateway.start()
    await dut.to(State.ASLEEP)
    said = printed.records(bench.console.text())
    await gateway.until_stored(len(said), 60)
    assert gateway.records() == said
    assert gateway.refused() == {}


async def test_brown_outs_under_the_radio_end_in_a_rest(bench: Bench, dut: Strategy) -> None:
    await dut.to(State.PROVISIONED)
    for _ in range(TRIES):
        await bench.power.off()
        start = len(bench.console.text())
        await bench.power.on()
        await bench.console.until(r"^record ", 40, start)
    await dut.restart()
    await bench.console.until(rf"without an end: resting {REST_S} s", 20, dut.began)
    await dut.to(State.ASLEEP)
    quiet = len(bench.console.text())
    await bench.clock.sleep(REST_S - 60)
    assert bench.console.text()[quiet:].strip() == ""


@pytest.mark.needs("stimulus")
async def test_a_battery_that_is_too_low_only_sleeps_and_comes_back(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    assert bench.stimulus
    if "battery" not in bench.stimulus.channels:
        pytest.skip(f"nothing plays the battery of bench {bench.file.name}")
    await dut.to(State.ASLEEP)
    await bench.stimulus.set("battery", 2.8)
    start = len(bench.console.text())
    await bench.console.until("only sleeping", 3 * INTERVAL_S, start)
    await bench.clock.sleep(STOP_S + 60)
    assert not printed.records(bench.console.text()[start:])
    await bench.stimulus.set("battery", 3.5)
    await bench.console.until("^record ", 2 * STOP_S, start)
