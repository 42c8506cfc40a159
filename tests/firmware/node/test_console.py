"""The prompt stays open for a quarter of an hour, then the node goes back to work."""

MACHINE = """
import sys
class Machine:
    resets = 0
    class Timer:
        PERIODIC = 1
        def __init__(self, id):
            pass
        def init(self, period, mode, callback):
            Machine.ring = callback
            Machine.period = period
    def reset(self):
        self.resets += 1
    fed = 0
    def feed(self):
        self.fed += 1
machine = Machine()
sys.modules["machine"] = machine
from node import console
console.stay(machine)
rings = 0
while not machine.resets:
    Machine.ring(None)
    rings += 1
print(rings * Machine.period // 1000, machine.fed)
"""


def test_the_watchdog_is_fed_for_a_quarter_of_an_hour_and_then_the_node_resets(micropython):
    told = micropython(MACHINE).splitlines()
    assert told[0].startswith("prompt open for 15 minutes")
    assert told[1] == "910 92"
