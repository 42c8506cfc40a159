"""Cold boot, wakes in time, and each sensor of the intake and of the snow node against what it is shown."""

from itertools import pairwise

import pytest

from device_configs.model import Node
from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.conftest import INTERVAL_S, SLOW_S
from tests.rig.gateway import RigGateway

pytestmark = pytest.mark.servers

# What the stimulus makes true, in its units: mm of level and of distance, degrees Celsius, volts.
SHOWN = [
    {"up": 0.0, "down": 1200.0, "distance": 2345.0, "water": 0.0, "air": -24.5, "battery": 3.35},
    {"up": 2500.0, "down": -50.0, "distance": 812.0, "water": 14.25, "air": 21.0, "battery": 3.62},
]
DISTANCE_MM = 1  # a played ranger says millimetres; the median of several is the same
LOOP_UA, TEMP_CC, BATTERY_MV = (
    15,
    7,
    20,
)  # tolerances: 16 bits over 100 ohm, 1/16 degree, 12 bits over a divider
FRAMES_A_WAKE = 3
CHARGE_A_WAKE_UC = 45_000 * 8  # a wake is over within eight seconds
WAKES = 4


def loop_ua(node: Node, channel: str, level_mm: float) -> float:
    """The current of a transmitter that is what the node's calibration says."""
    (c,) = [c for c in node.calibration if c.channel == channel]
    return c.raw0 + (level_mm - c.value0) * (c.raw1 - c.raw0) / (c.value1 - c.value0)


async def test_cold_boot_ends_in_a_record_at_the_gateway(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    await dut.to(State.ASLEEP)
    await gateway.until_stored(1, 60)
    assert gateway.records() == printed.records(bench.console.text())
    assert gateway.status()["boot"][0] == printed.boots(bench.console.text())[-1] == 1
    assert gateway.refused() == {}


@pytest.mark.needs("stimulus")
async def test_each_sensor_reports_what_it_is_shown(bench: Bench, dut: Strategy, gateway: RigGateway) -> None:
    assert bench.stimulus
    for every in SHOWN:  # a stimulus board can not play all of them
        shown = {channel: value for channel, value in every.items() if channel in bench.stimulus.channels}
        for channel, value in shown.items():
            await bench.stimulus.set(channel, value)
        before = len(gateway.stored()) if dut.known.state is State.ASLEEP else 0
        if before:
            await bench.clock.sleep(INTERVAL_S)
        await dut.to(State.ASLEEP)
        await gateway.until_stored(before + 1, 60)
        said = gateway.newest()
        for channel in {"up", "down"} & shown.keys():
            wanted = loop_ua(bench.node, channel, shown[channel])
            assert said[channel] == pytest.approx(wanted, abs=LOOP_UA), channel
        for channel in {"water", "air"} & shown.keys():
            assert said[channel] == pytest.approx(100 * shown[channel], abs=TEMP_CC), channel
        if "distance" in shown:
            assert said["distance"] == pytest.approx(shown["distance"], abs=DISTANCE_MM)
            assert said["spread"] == 0
        if "battery" in shown:
            assert said["battery"] == pytest.approx(1000 * shown["battery"], abs=BATTERY_MV)


async def test_wakes_come_in_time_and_each_says_it_once(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    await dut.to(State.ASLEEP)
    await gateway.until_stored(1, 60)
    frames = gateway.frames()
    await bench.clock.sleep(WAKES * INTERVAL_S)
    await gateway.until_stored(1 + WAKES, 60)
    woken = len(gateway.stored()) - 1
    assert woken in (WAKES, WAKES + 1)
    assert gateway.frames() - frames <= (woken + 1) * FRAMES_A_WAKE
    times = [record.measured_at_s for record in gateway.stored()]
    gaps = [after - before for before, after in pairwise(times)]
    assert all(abs(gap - INTERVAL_S) <= SLOW_S for gap in gaps), gaps
    assert abs(times[-1] - bench.clock.utc_ms() / 1000) < INTERVAL_S + SLOW_S
    assert printed.boots(bench.console.text()) == [1]


async def test_what_is_acknowledged_is_not_sent_again(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    async with gateway.overheard() as frames:
        await dut.to(State.ASLEEP)
        await gateway.until_stored(1, 60)
        await bench.clock.sleep(WAKES * INTERVAL_S)
        await gateway.until_stored(1 + WAKES, 60)
        sent = gateway.sequences(frames)
    assert sorted(set(sent)) == list(range(1 + WAKES))
    assert sorted(sent) == sorted(set(sent))


@pytest.mark.needs("meter")
async def test_an_interval_takes_no_more_charge_than_its_budget(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    assert bench.meter
    await dut.to(State.ASLEEP)
    charge = await bench.meter.measure(2 * INTERVAL_S)
    assert charge.uc < 3 * CHARGE_A_WAKE_UC
    assert charge.peak_ua > 10_000  # it was awake in between
