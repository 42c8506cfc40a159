"""The radio's wiring: what it keeps. The whole of it runs in tests/e2e/test_lora.py."""

SCRIPT = """
import sys
class Machine:
    lightsleep = None
sys.modules["machine"] = Machine()
from node import retained
from node.radio import Radio

class Clock:
    def now_ms(self):
        return 5000
class Node:
    state, clock, remembered = retained.Retained(), Clock(), 0
    def remember(self):
        self.remembered += 1
"""


def test_it_is_kept_in_the_note_and_found_again(micropython, tmp_path):
    out = micropython(f"""{SCRIPT}
from node.airtime import Airtime
Airtime.start_cold = lambda self, now_s: None
node = Node()
radio = Radio(node)
radio.airtime.spend(4, 5, 1000)
radio.habits.silent = 3
radio.keep()
state = retained.unpack(node.state.pack())
node.state = state
again = Radio(node)
print(again.habits.silent, again.airtime.spare_ms(4, 5) == radio.airtime.spare_ms(4, 5), node.remembered)
""")
    assert out.split() == ["3", "True", "3"]
