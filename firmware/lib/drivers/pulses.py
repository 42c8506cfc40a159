"""Pulses of S0 outputs (EN 62053-31) and of tipping-bucket rain gauges.

S0 pulses are clean and at least 30 ms long with 30 ms between: at most 16 a second. They may be counted by
the ESP32's pulse counter (technical reference manual, "Pulse Count Controller"): 16 bits, stopped in deep
sleep, cleared by a soft reset. Its filter reaches 12.8 us and removes spikes, not the bounce of a reed
contact (milliseconds): contacts are counted by ContactCounter.
"""

from wire.quantities import ESTIMATED, FAULT, OK

S0_MOST_PER_S = 17
BOUNCE_MS = 50  # two tips of a bucket are over 100 ms apart in the heaviest rain
_TICKS = 0x3FFFFFFF


def counter_step(previous: int, current: int, elapsed_ms: int, most_per_s: int) -> "tuple[int, bool]":
    """(pulses between two values of a 16-bit counter, whether it was cleared in between).

    A counter that went down has wrapped or was cleared. It wrapped if so many pulses were possible in
    the time; if not it was cleared, and its value is the least that came since. Look before
    32768 pulses were possible: later nothing tells.
    """
    step = current - previous & 0xFFFF
    if step <= most_per_s * elapsed_ms // 1000 + 2:
        return step, False
    return current & 0xFFFF, True


class ContactCounter:
    """Counts a bouncing contact. Give edge() to Pin.irq for the closing edge; it does not allocate.

    A closing within `bounce_ms` of the last one is bounce, and restarts that time."""

    def __init__(self, ticks_ms, bounce_ms=BOUNCE_MS):
        self._ticks_ms = ticks_ms
        self._bounce_ms = bounce_ms
        self._last_ms = -1
        self._count = 0

    def edge(self, _pin=None) -> None:
        now_ms = self._ticks_ms()
        if self._last_ms < 0 or (now_ms - self._last_ms & _TICKS) >= self._bounce_ms:
            self._count += 1
        self._last_ms = now_ms

    def value(self) -> int:
        """Closings so far, in 16 bits as the hardware counter has them."""
        return self._count & 0xFFFF


class Pulses:
    """A running total over `counter` (an esp32.PCNT or a ContactCounter: anything with value()).

    `total` goes on from what the caller kept over a reset. `clearings` counts how often the counter was
    found cleared.
    """

    def __init__(self, counter, ticks_ms, total=0, most_per_s=S0_MOST_PER_S):
        self._counter = counter
        self._ticks_ms = ticks_ms
        self._most_per_s = most_per_s
        self._previous = 0  # a counter that has just been made is clear
        self._read_ms = ticks_ms()
        self.total = total
        self.clearings = 0
        self.fault = None

    def read(self) -> "tuple[int | None, int]":
        """(pulses in total, quality); ESTIMATED where a cleared counter may have swallowed some."""
        now_ms = self._ticks_ms()
        try:
            current = self._counter.value()
        except OSError as error:
            self.fault = "no value from the counter: %s" % error
            return None, FAULT
        self.fault = None
        elapsed_ms = now_ms - self._read_ms & _TICKS
        step, cleared = counter_step(self._previous, current, elapsed_ms, self._most_per_s)
        self._previous = current & 0xFFFF
        self._read_ms = now_ms
        self.total += step
        self.clearings += cleared
        return self.total, ESTIMATED if cleared else OK
