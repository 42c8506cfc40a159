"""The prompt on the serial port, open for a technician and not for ever.

A watchdog of the ESP32 can not be stopped, so a timer feeds it for as long as the prompt is to stay.
"""

import machine

FEED_MS = 10000
OPEN_MS = 900000


class _Feeder:
    def __init__(self, watchdog):
        self._watchdog = watchdog
        self._left = OPEN_MS // FEED_MS

    def feed(self, _timer=None):
        self._left -= 1
        if self._left < 0:
            machine.reset()  # back to work: nobody may have remembered to
        self._watchdog.feed()


def stay(watchdog):
    """Return at once; main.py ends and the prompt opens. A quarter of an hour later the node starts again."""
    feeder = _Feeder(watchdog)
    watchdog.feed()
    machine.Timer(0).init(period=FEED_MS, mode=machine.Timer.PERIODIC, callback=feeder.feed)
    print("prompt open for %d minutes; machine.reset() starts the node" % (OPEN_MS // 60000))
