"""The shelf: who goes there, who stays, and what fetches a node back; in real MicroPython."""

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
        self.now_ms, self.blinks = 0, []
    def sleep_ms(self, ms):
        self.now_ms += ms
    def output(self, wired, on):
        if on:
            self.blinks.append(self.now_ms)
HARDWARE = Hardware()

from node import shelf
shelf.PATH = answers["folder"] + "/shelf"
if answers["lying"]:
    with open(shelf.PATH, "wb"):
        pass
config = {"button": answers["button"], "led": {"pin": 2, "on_level": 1}}
said = shelf.stay(answers["pressed"], HARDWARE, config)
try:
    os.stat(shelf.PATH)
    lies = True
except OSError:
    lies = False
print(json.dumps([said, lies, len(HARDWARE.blinks), HARDWARE.now_ms]))
"""
NEVER = 10**9


@pytest.mark.parametrize(
    ("lying", "pressed", "let_go_ms", "button", "expected"),
    [
        (False, False, 0, 7, (None, False, 0)),  # a start of its own: to work
        (False, True, 300, 7, (None, False, 0)),  # a short press is for the range test
        (False, True, 4900, 7, (None, False, 0)),
        (False, True, 9000, 7, (0, True, 2)),  # held: two long blinks, then the shelf
        (True, False, 0, 7, (0, True, 0)),  # its battery was changed: it stays there
        (True, True, 300, 7, (None, False, 0)),  # one press fetches it back
        (False, True, NEVER, None, (None, False, 0)),  # nothing could wake it
        (True, False, 0, None, (None, True, 0)),
    ],
)
def test_who_goes_and_who_stays(micropython, tmp_path, lying, pressed, let_go_ms, button, expected):
    asked = {
        "folder": str(tmp_path), "lying": lying, "pressed": pressed, "let_go_ms": let_go_ms, "button": button,
    }  # fmt: skip
    said, lies, blinks, passed_ms = json.loads(micropython(SCRIPT, stdin=json.dumps(asked) + "\n"))
    assert (said, lies, blinks) == expected
    if said == 0 and pressed:
        assert passed_ms >= let_go_ms  # a button that is still held would wake it at once
