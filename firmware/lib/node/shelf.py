"""Shelf mode: asleep and silent from the workshop to the mast, until the button is pressed.

A file says so, since a node on the shelf may lose its supply. Held for five seconds the button sends a node
there; one press fetches it back. A board without a button never goes: nothing could wake it.
"""

import os

import machine

from node.lamp import LONG_MS, Lamp

PATH = "/shelf"
HOLD_MS = 5000
_LOOK_MS = 100


def _lying():
    try:
        os.stat(PATH)
    except OSError:
        return False
    return True


def _held(button, hardware):
    waited = 0
    while not button.value():
        if waited >= HOLD_MS:
            return True
        hardware.sleep_ms(_LOOK_MS)
        waited += _LOOK_MS
    return False


def stay(pressed, hardware, config):
    """Return 0 (sleep without a timer) where the node lies on the shelf, None where it is at work.

    `pressed`: a press of the button started this.
    """
    if config.get("button") is None:
        return None
    if _lying():
        if not pressed:
            return 0
        os.remove(PATH)
        return None
    button = machine.Pin(config["button"], machine.Pin.IN, machine.Pin.PULL_UP)  # to ground
    if pressed and _held(button, hardware):
        Lamp(hardware, config.get("led")).blink(2, LONG_MS)
        with open(PATH, "wb"):
            pass
        while not button.value():  # let go: a held button would wake it at once
            hardware.sleep_ms(_LOOK_MS)
        return 0
    return None
