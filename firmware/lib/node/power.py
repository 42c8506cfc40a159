"""The battery of a node: how much it may still do. Pure but for Supply, which reads the voltage.

Flash and radio in a brown-out drain the cell and have destroyed file systems, so the voltage is read before
either is touched. At rest a cold lithium cell shows its full voltage: what lets a node do more again is only
the voltage with the radio on.
"""

NORMAL = 0
LOW = 1  # measures half as often, sends every sixth time
STOP = 2  # no flash, no radio: sleeps and looks again

STOP_S = 3600
SEND_EVERY = 6


def level(before, mv, limits, loaded=False):
    """Return the level after a reading of `mv` (None: it could not be read, which changes nothing).

    `limits` is {"stop_mv", "low_mv", "recover_mv"}. A fall counts at once; back to LOW it takes `low_mv`,
    back to NORMAL `recover_mv` under load.
    """
    if mv is None:
        return before
    if mv < limits["stop_mv"]:
        return STOP
    if before == STOP:
        return LOW if mv >= limits["low_mv"] else STOP
    if mv < limits["low_mv"]:
        return LOW
    if before == LOW and not (loaded and mv >= limits["recover_mv"]):
        return LOW
    return NORMAL


def may_start(mv, limits):
    """Whether a node that lost its memory may begin: after a brown-out only a battery that recovered may."""
    return mv is None or mv >= limits["low_mv"]


class Supply:
    """Reads the voltage of the channel that is the battery, None where the node has none or it fails."""

    def __init__(self, hardware, channels):
        self._hardware = hardware
        self._channels = [channel for channel in channels if channel["driver"] == "battery"]
        self._cells = None

    def read_mv(self):
        if not self._channels:
            return None
        if self._cells is None:
            from drivers import battery

            self._cells = battery.attach(self._hardware, self._channels)
        return self._cells.read()[0][0]

    def look_mv(self):
        """As read_mv; a fault of the driver itself must not keep a node from starting."""
        try:
            return self.read_mv()
        except Exception as error:
            print("battery", repr(error))
            return None


def let_button_wake(number):
    """Let a press end the next deep sleep; not one that is still held, which would end it at once."""
    if number is None:
        return
    import machine

    pin = machine.Pin(number, machine.Pin.IN, machine.Pin.PULL_UP)
    if pin.value():
        import esp32

        esp32.wake_on_ext0(pin, esp32.WAKEUP_ALL_LOW)
