"""The task watchdog: once fed it must be fed again in time, until the next reset."""

from collections.abc import Callable

from hardware.virtual.clock import Appointment, BoardClock


class Watchdog:
    """`starved` is called once when the time is over; `look` lets late-read food arrive first."""

    def __init__(self, clock: BoardClock, look: Callable[[], None], starved: Callable[[], None]) -> None:
        self._clock = clock
        self._look = look
        self._starved = starved
        self._deadline_s = 0.0
        self._check: Appointment | None = None

    @property
    def armed(self) -> bool:
        return self._check is not None

    def feed(self, timeout_ms: int) -> None:
        self._deadline_s = self._clock.monotonic_s() + timeout_ms / 1000
        if self._check is None:
            self._check = self._clock.call_later(timeout_ms / 1000, self._check_now)

    def disarm(self) -> None:
        if self._check:
            self._check.cancel()
        self._check = None

    def _check_now(self) -> None:
        if self._clock.monotonic_s() >= self._deadline_s:
            self._look()
        left_s = self._deadline_s - self._clock.monotonic_s()
        if self._check is None:
            return
        if left_s > 0:
            self._check = self._clock.call_later(left_s, self._check_now)
        else:
            self._check = None
            self._starved()
