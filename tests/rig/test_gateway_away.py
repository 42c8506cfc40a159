"""A gateway or a broker that is away: the node keeps its records, and all arrive once, as they were."""

from itertools import pairwise

import pytest

from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.conftest import INTERVAL_S, SLOW_S
from tests.rig.gateway import RigGateway

pytestmark = pytest.mark.servers

AWAY = 4  # records


async def test_records_wait_for_a_gateway_that_is_away(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    await dut.to(State.ASLEEP)
    await gateway.until_stored(1, 60)
    await gateway.stop()
    before = len(gateway.stored())  # on a busy computer the next one came meanwhile
    for _ in range(AWAY):
        await bench.clock.sleep(INTERVAL_S)
    await dut.to(State.ASLEEP)
    assert len(gateway.stored()) == before
    await gateway.start()
    await bench.clock.sleep(2 * INTERVAL_S)
    said = printed.records(bench.console.text())
    await gateway.until_stored(before + AWAY + 1, 60)
    assert said.items() >= gateway.records().items()
    assert set(gateway.records()) == set(range(len(gateway.records())))
    times = [record.measured_at_s for record in sorted(gateway.stored(), key=lambda record: record.seq)]
    gaps = [after - before for before, after in pairwise(times)]
    assert all(abs(gap - INTERVAL_S) <= SLOW_S for gap in gaps), gaps  # not when it came


async def test_records_wait_for_a_broker_that_is_away(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    await dut.to(State.ASLEEP)
    await gateway.until_stored(1, 60)
    await gateway.stop_broker()
    before = len(gateway.stored())  # on a busy computer the next one came meanwhile
    for _ in range(AWAY):
        await bench.clock.sleep(INTERVAL_S)
    await dut.to(State.ASLEEP)
    assert len(gateway.stored()) == before
    await gateway.start_broker()
    await bench.clock.sleep(2 * INTERVAL_S)
    await gateway.until_stored(before + AWAY + 1, 60)
    assert gateway.records().items() <= printed.records(bench.console.text()).items()
    assert set(gateway.records()) == set(range(len(gateway.records())))


async def test_a_record_of_a_start_that_reached_nobody_is_placed_by_those_around_it(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    await dut.to(State.ASLEEP)
    await gateway.until_stored(1, 60)
    await gateway.stop()
    await dut.restart()  # this start measures, and its clock ends before anybody has asked it
    await dut.to(State.ASLEEP)
    await gateway.start()
    await dut.restart()
    await dut.to(State.ASLEEP)
    await bench.clock.sleep(2 * INTERVAL_S)
    await dut.to(State.ASLEEP)
    said = printed.records(bench.console.text())
    await gateway.until_stored(len(said), 60)
    assert gateway.records().items() >= said.items()
