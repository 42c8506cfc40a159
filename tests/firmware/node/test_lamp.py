"""What the LED shows, blink by blink."""

import pytest

from node.lamp import GAP_MS, GOOD_MARGIN_DB, LONG_MS, SHORT_MS, Lamp

LED = {"pin": 2, "on_level": 1}


class Hardware:
    """Notes how long the LED was on and off; `level` is what it shows now."""

    def __init__(self):
        self.done = []
        self.level = None

    def output(self, wired, on):
        assert wired is LED
        self.level = on

    def sleep_ms(self, ms):
        self.done.append((self.level, ms))


def seen(does, led=LED):
    hardware = Hardware()
    does(Lamp(hardware, led))
    assert not hardware.level
    return [ms for on, ms in hardware.done if on]


def test_a_blink_ends_dark_with_a_gap():
    hardware = Hardware()
    Lamp(hardware, LED).blink(2)
    assert hardware.done == [(True, SHORT_MS), (False, GAP_MS)] * 2
    assert hardware.level is False


@pytest.mark.parametrize(
    ("told", "margin_db", "expected"),
    [
        (True, GOOD_MARGIN_DB, [SHORT_MS] * 3),
        (True, GOOD_MARGIN_DB - 1, [SHORT_MS] * 2),
        (True, -5, [SHORT_MS] * 2),
        (True, None, [SHORT_MS] * 3),  # the carrier can not tell
        (False, None, [LONG_MS]),
        (False, 30, [LONG_MS]),
    ],
)
def test_how_a_conversation_went(told, margin_db, expected):
    assert seen(lambda lamp: lamp.heard(told, margin_db)) == expected


def test_a_board_without_an_led_waits_for_nothing():
    def everything(lamp):
        lamp.blink(3)
        lamp.show(True)
        lamp.heard(False, None)

    assert seen(everything, led=None) == []


def test_what_was_lit_goes_dark_once():
    hardware = Hardware()
    lamp = Lamp(hardware, LED)
    lamp.dark()
    assert hardware.level is None
    lamp.show(True)
    lamp.dark()
    assert hardware.level is False
    lamp.dark()
    assert hardware.level is False


def test_on_mains_it_is_lit_while_all_is_well_and_blinks_otherwise():
    hardware = Hardware()
    lamp = Lamp(hardware, LED)
    shown = []
    for well in (True, True, False, False, False, True):
        lamp.show(well)
        shown.append(hardware.level)
    assert shown == [True, True, False, True, False, True]
    assert hardware.done == []  # other tasks go on meanwhile
