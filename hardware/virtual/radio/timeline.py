"""Virtual time for what runs in one process: it moves from one appointment to the next, and only there."""

import heapq
import itertools
from collections.abc import Callable


class Entry:
    """One call in the future."""

    __slots__ = ("call", "cancelled")

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Timeline:
    """An AirClock that starts at `utc_ms`. Appointments at one moment are kept in the order made."""

    def __init__(self, utc_ms: int = 1_795_000_000_000) -> None:
        self._start_ms = utc_ms
        self._now_s = 0.0
        self._entries: list[tuple[float, int, Entry]] = []
        self._numbers = itertools.count()

    def monotonic_s(self) -> float:
        return self._now_s

    def utc_ms(self) -> int:
        return self._start_ms + round(self._now_s * 1000)

    def call_later(self, seconds: float, call: Callable[[], object]) -> Entry:
        entry = Entry(call)
        heapq.heappush(self._entries, (self._now_s + max(0.0, seconds), next(self._numbers), entry))
        return entry

    def run_until(self, end_s: float) -> None:
        """Keep all appointments up to `end_s`, and stand there."""
        while self._entries and self._entries[0][0] <= end_s:
            at_s, _, entry = heapq.heappop(self._entries)
            self._now_s = at_s
            if not entry.cancelled:
                entry.call()
        self._now_s = end_s
