"""Pulses of tipping-bucket rain gauges and of S0 outputs (EN 62053-31).

A tipping bucket closes a reed contact for some 50 to 150 ms at each tip; the contact bounces for some
milliseconds when it closes and again when it opens. So a closing counts only where none came for `bounce_ms`
before: BOUNCE_MS is more than a closing and its bounces last, and less than passes between two tips (with
0.2 mm a tip, 0.4 s would be 1800 mm/h). Interrupts are served between two steps of the program: while a step
blocks, as joining a network does for seconds, any number of tips count as one.

S0 pulses are clean and at least 30 ms long with 30 ms between: at most 16 a second. They may be counted by
the ESP32's pulse counter (technical reference manual, "Pulse Count Controller"): 16 bits, stopped in deep
sleep, cleared by a soft reset. Its filter reaches 12.8 us and is no debouncer. Pulses takes either.
"""

from wire.quantities import ESTIMATED, FAULT, OK

S0_MOST_PER_S = 17
BOUNCE_MS = 400
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


class Gauge:
    """A tipping bucket, as the node samples it. The total goes on after resets and power cuts.

    `counter` is told of closings, `pin` shows the contact (0 closed) and `kept` keeps the total. The first
    reading after a start is ESTIMATED: pulses may have come while nobody counted, and where nothing was kept
    the total begins at 0. A total that could not be kept is no reading, or the next start would go back.
    """

    def __init__(self, counter, pin, kept, ticks_ms):
        self._pin = pin
        self._kept = kept
        self._safe = kept.get()
        self._pulses = Pulses(counter, ticks_ms, self._safe or 0)
        self._started = False
        self._closed_at = None  # total at the last reading, where that found the contact closed
        self.fault = None

    def poll(self):
        """Keep what has been counted: a power cut costs no more than came since the last call."""
        self._count()

    def count(self):
        """Only count on: for pulses that come too often to keep each of them."""
        self._pulses.read()

    def read(self):
        total, quality, error = self._count()
        if error is not None:
            return self._refuse("the total can not be kept: %s" % error)
        closed_at = None if self._pin.value() else total
        stuck = closed_at is not None and closed_at == self._closed_at
        self._closed_at = closed_at
        if stuck:
            return self._refuse("closed since the last reading: stuck or short circuit")
        self.fault = self._pulses.fault
        if not self._started and total is not None:
            self._started = True
            quality = ESTIMATED
        return [(total, quality)]

    def _count(self):
        # (total, quality, what kept it from being kept)
        total, quality = self._pulses.read()
        if total is not None and total != self._safe:
            try:
                self._kept.set(total)
            except OSError as error:
                return total, quality, error
            self._safe = total
        return total, quality, None

    def _refuse(self, why):
        self.fault = why
        return [(None, FAULT)]


def attach(hardware, channels):
    """For sampling: `bounce_ms`. Only a node that stays awake counts."""
    channel = channels[0]
    counter = ContactCounter(hardware.ticks_ms, channel["bounce_ms"])
    kept = hardware.kept("pulses%d" % channel["bus"]["pin"])
    pin = hardware.contact(channel["bus"], counter.edge)
    return Gauge(counter, pin, kept, hardware.ticks_ms)
