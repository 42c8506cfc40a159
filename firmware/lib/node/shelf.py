"""What a press of the button asks for by its length; and shelf mode, in which a node waits for one.

On the shelf a node is asleep and silent, from the workshop to the mast. A file says so, since it may lose its
supply there. Held for five seconds the button sends a node to the shelf, and the node tells the gateway (see
battery.leave); one press fetches it back. A board without a button never goes: nothing could wake it. Let go
after two seconds, while the LED is lit, the button asks for the technician's hotspot (see hotspot.py), where
the settings have one.
"""

import os

import machine

from node.lamp import LONG_MS, Lamp

WORK, SHELF, HOTSPOT, LEAVING = 0, 1, 2, 3  # what a start is for; LEAVING: for the shelf, and saying so

PATH = "/shelf"
ASK_MS = 2000
HOLD_MS = 5000
_LOOK_MS = 100


def _lying():
    try:
        os.stat(PATH)
    except OSError:
        return False
    return True


def _length(button, hardware, lamp, hotspot):
    """Wait until the button is let go, or has been held long enough for the shelf."""
    waited = 0
    while not button.value():
        if waited >= HOLD_MS:
            return LEAVING
        if hotspot and waited >= ASK_MS:
            lamp.show(True)
        hardware.sleep_ms(_LOOK_MS)
        waited += _LOOK_MS
    return HOTSPOT if hotspot and waited >= ASK_MS else WORK


def asked_for(pressed, hardware, config):
    """Return what this start is for; SHELF: the node sleeps without a timer.

    `pressed`: a press of the button started this.
    """
    if config.get("button") is None:
        return WORK
    if _lying():
        if not pressed:
            return SHELF
        os.remove(PATH)
        return WORK
    if not pressed:
        return WORK
    button = machine.Pin(config["button"], machine.Pin.IN, machine.Pin.PULL_UP)  # to ground
    lamp = Lamp(hardware, config.get("led"))
    asked = _length(button, hardware, lamp, "hotspot" in config)
    lamp.dark()
    if asked == LEAVING:
        lamp.blink(2, LONG_MS)
        with open(PATH, "wb"):
            pass
        while not button.value():  # let go: a held button would wake it at once
            hardware.sleep_ms(_LOOK_MS)
    return asked
