"""The button: who goes to the shelf, who stays, who looks for the hotspot; in real MicroPython."""

import json

import pytest

SCRIPT = """
import json, os, sys
answers = json.loads(sys.stdin.readline())
os.chdir(answers["folder"])

class Pin:
    IN, PULL_UP, OUT = 0, 1, 2
    def __init__(self, number, *mode):
        assert number == 7
    def value(self):
        return 1 if HARDWARE.now_ms >= answers["let_go_ms"] else 0

class Machine:
    pass
Machine.Pin = Pin
sys.modules["machine"] = Machine()

class Hardware:
    def __init__(self):
        self.now_ms, self.blinks, self.lit = 0, [], False
    def sleep_ms(self, ms):
        self.now_ms += ms
    def output(self, wired, on):
        if on != self.lit:
            self.blinks += [self.now_ms] if on else []
            self.lit = on
HARDWARE = Hardware()

from node import shelf
shelf.PATH = answers["folder"] + "/shelf"
if answers["lying"]:
    with open(shelf.PATH, "wb"):
        pass
config = {"button": answers["button"], "led": {"pin": 2, "on_level": 1}}
if answers["hotspot"]:
    config["hotspot"] = {}
said = shelf.asked_for(answers["pressed"], HARDWARE, config)
try:
    os.stat(shelf.PATH)
    lies = True
except OSError:
    lies = False
print(json.dumps([said, lies, len(HARDWARE.blinks), HARDWARE.now_ms, HARDWARE.lit]))
"""
NEVER = 10**9
WORK, SHELF, HOTSPOT, LEAVING = 0, 1, 2, 3


@pytest.fixture
def asked_for(micropython, tmp_path):
    """asked_for(**circumstances): [answer, whether it lies on the shelf, times lit, ms passed, lit now]."""

    def ask(**circumstances):
        asked = {"folder": str(tmp_path), **circumstances}
        return json.loads(micropython(SCRIPT, stdin=json.dumps(asked) + "\n"))

    return ask


@pytest.mark.parametrize(
    ("lying", "pressed", "let_go_ms", "button", "expected"),
    [
        (False, False, 0, 7, (WORK, False, 0)),  # a start of its own: to work
        (False, True, 300, 7, (WORK, False, 0)),  # a short press is for the range test
        (False, True, 4900, 7, (WORK, False, 0)),
        (False, True, 9000, 7, (LEAVING, True, 2)),  # held: two long blinks, then the shelf
        (True, False, 0, 7, (SHELF, True, 0)),  # its battery was changed: it stays there
        (True, True, 300, 7, (WORK, False, 0)),  # one press fetches it back
        (False, True, NEVER, None, (WORK, False, 0)),  # nothing could wake it
        (True, False, 0, None, (WORK, True, 0)),
    ],
)
def test_who_goes_and_who_stays(asked_for, lying, pressed, let_go_ms, button, expected):
    asked = {"lying": lying, "pressed": pressed, "let_go_ms": let_go_ms, "button": button, "hotspot": False}
    said, lies, blinks, passed_ms, lit = asked_for(**asked)
    assert (said, lies, blinks, lit) == (*expected, False)
    if said == LEAVING:
        assert passed_ms >= let_go_ms  # a button that is still held would wake it at once


@pytest.mark.parametrize(
    ("let_go_ms", "expected"),
    [
        (1900, (WORK, False, 0)),
        (2100, (HOTSPOT, False, 1)),  # the light says that it may be let go
        (4900, (HOTSPOT, False, 1)),
        (9000, (LEAVING, True, 3)),
    ],
)
def test_who_looks_for_the_hotspot(asked_for, let_go_ms, expected):
    asked = {"lying": False, "pressed": True, "let_go_ms": let_go_ms, "button": 7, "hotspot": True}
    said, lies, blinks, _, lit = asked_for(**asked)
    assert (said, lies, blinks, lit) == (*expected, False)
