"""Power cuts at every operation of a node's flash, over 500 wakes a round.

Full length: four rounds, in which each operation is cut twice, whole and torn, and a quarter of the starts on
what is left are cut again.
"""

from tests.firmware.power_cuts import cut_power
from tests.soak.tally import Tally

ROUNDS, WAKES = 4, 500


def run(tally: Tally) -> None:
    for name in ("wakes", "operations", "power_cuts"):
        tally.add(name, 0)
    for seed in tally.rounds(ROUNDS):
        with tally.run(seed):
            found = cut_power(WAKES, seed, timeout_s=1800)
            tally.add("wakes", found.wakes)
            tally.add("operations", found.operations)
            tally.add("power_cuts", found.cuts)
            assert found.cuts == 2 * found.operations
            assert not found.failures, "; ".join(found.failures[:5])
