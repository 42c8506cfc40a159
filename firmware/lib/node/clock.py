"""The node's clock and what it knows of UTC.

The real-time clock is never set: it counts on from power-on, through deep sleep and resets, and UTC is
an offset beside it. So nothing jumps, and a record made before UTC was known can still be placed: it
carries the clock's id and seconds, and the gateway knows what UTC that clock's seconds were.

In deep sleep an RC oscillator keeps the time, many seconds an hour wrong and differently at each temperature.
How wrong shows each time UTC is told, and is allowed for until the next.
"""

import time

_EPOCH_S = 946684800 if time.gmtime(0)[0] == 1970 else 0  # ESP32 counts from 2000, the host from 1970

DRIFT_LEAST_S = 1800  # UTC that is told again sooner says nothing of the drift, and changes nothing
DRIFT_MOST_PPM = 80000  # the ESP32's RC oscillator keeps its time to 5 %
STEP_MS = 1000  # ... unless it is so far from what the node takes for UTC


class Clock:
    def __init__(self, state):
        self._state = state

    def now_ms(self):
        """Milliseconds on the node's clock, from 2000-01-01 as an unset ESP32 counts."""
        return time.time_ns() // 1000000 - _EPOCH_S * 1000

    def ticks(self):
        """A mark for `elapsed_ms`; it wraps, so it is good for minutes, not for days."""
        return time.ticks_ms()

    def elapsed_ms(self, mark):
        return time.ticks_diff(time.ticks_ms(), mark)

    def stamp(self):
        """Return (seconds, clock id or None): UTC where it is known, else the node's own seconds."""
        now = self.now_ms()
        if self._state.synced_s:
            return self._utc_ms(now) // 1000, None
        return now // 1000, self._state.clock

    def learn(self, utc_ms, round_trip_ms):
        """The gateway said it was `utc_ms` when it answered a question asked `round_trip_ms` ago."""
        now = self.now_ms()
        state = self._state
        true_ms = utc_ms + round_trip_ms // 2
        age_s = self.age_s()
        if age_s is not None and age_s >= DRIFT_LEAST_S:
            missed_ms = true_ms - now - state.offset_ms
            ppm = missed_ms * 1000 // age_s
            if -DRIFT_MOST_PPM <= ppm <= DRIFT_MOST_PPM:  # else the gateway's clock was set
                state.drift_ppm = ppm
        if age_s is None or age_s >= DRIFT_LEAST_S or abs(true_ms - self._utc_ms(now)) > STEP_MS:
            state.offset_ms = true_ms - now
            state.synced_s = max(now // 1000, 1)

    def _utc_ms(self, now):
        age_s = now // 1000 - self._state.synced_s
        return now + self._state.offset_ms + age_s * self._state.drift_ppm // 1000

    def utc_ms(self):
        """Return UTC now, None where nobody has told it yet."""
        return None if self.age_s() is None else self._utc_ms(self.now_ms())

    def age_s(self):
        """Seconds since UTC was learned; None where it never was."""
        if not self._state.synced_s:
            return None
        return self.now_ms() // 1000 - self._state.synced_s
