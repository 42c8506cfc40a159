"""A program that hangs: the watchdog ends it, again and again, and the node stays within reach."""

import pytest

from hardware.rig import Bench
from hardware.strategy import State, Strategy
from tests.rig import printed
from tests.rig.gateway import RigGateway

pytestmark = pytest.mark.servers

HANGING = b"""
import time
class Hanging:
    def read(self):
        while True:
            time.sleep(1)
def attach(hardware, channels):
    return Hanging()
"""
WATCHDOG_S, TRIES = 60, 3


async def test_a_hung_program_is_reset_and_the_gateway_hears_of_it(
    bench: Bench, dut: Strategy, gateway: RigGateway
) -> None:
    name = "lib/drivers/ds18b20"
    sound = {path: content for path, content in dut.tree.items() if path.rpartition(".")[0] != name}
    dut.tree = {**sound, f"{name}.py": HANGING}
    await dut.to(State.RUNNING)
    await bench.console.until("safe mode", (TRIES + 1) * WATCHDOG_S + 30, dut.began)
    await dut.to(State.ASLEEP)
    status = gateway.status()
    assert status["counters"]["2"] >= TRIES  # resets by the watchdog
    assert status["boot"][3] >= TRIES  # starts that came to no end
    assert printed.records(bench.console.text()) == {}
