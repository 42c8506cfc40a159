"""A clock that runs wrong while the node sleeps, and otherwise at each temperature: records carry UTC."""

from statistics import median

import pytest

from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig.gateway import RigGateway

pytestmark = pytest.mark.servers

WAKES = 12
LEARNED = 4  # records until UTC has been told twice, half an hour or more apart
WARMEST_C, STEP_C = 0.0, 5.0  # a night gets colder, and the day warm again
ERROR_S = 30.0  # half of what the virtual clock drifts in one sleep; a slow computer needs some of it


@pytest.fixture
def interval_s() -> int:
    return 7200


async def test_records_carry_utc_although_the_clock_drifts(
    bench: Bench, dut: Strategy, gateway: RigGateway, interval_s: int
) -> None:
    """From outside: when the gateway heard a record, and what time the node gave it."""
    await dut.to(State.ASLEEP)
    for wake in range(WAKES):
        if bench.stimulus and "air" in bench.stimulus.channels:
            await bench.stimulus.set("air", WARMEST_C - STEP_C * min(wake, WAKES - wake))
        await bench.clock.sleep(interval_s * 1.05)
    await gateway.until_stored(WAKES, 60)
    late_s = [r.received_at_ms / 1000 - r.measured_at_s for r in gateway.stored()]
    assert -1 <= median(late_s[LEARNED:]) <= ERROR_S, late_s
