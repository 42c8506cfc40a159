"""The real-time clock domain: a clock and 2048 bytes that live as long as the board has supply."""

from collections.abc import Callable

from hardware.virtual.clock import Clock

MEMORY_SIZE = 2048


class Rtc:
    """Counts microseconds since 2000-01-01, from 0 at power-on.

    While the chip sleeps its RC oscillator keeps the time: `drift_ppm` > 0 means it counts too slowly, so a
    sleep lasts that much longer than the node believes. It may depend on the temperature: it is asked for
    when a sleep begins, and holds for that sleep.
    """

    def __init__(self, clock: Clock, drift_ppm: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._drift_ppm = drift_ppm
        self._asleep_ppm = 0.0
        self._zero_us = 0
        self.memory = b""
        self.power_on()

    def power_on(self) -> None:
        self.memory = b""
        self.set_us(0)

    def now_us(self) -> int:
        return self._monotonic_us() - self._zero_us

    def set_us(self, us: int) -> None:
        self._zero_us = self._monotonic_us() - us

    def sleep_s(self, asked_s: float) -> float:
        """Begin a sleep; return the real seconds of the one that the node asked for."""
        self._asleep_ppm = self._drift_ppm()
        return asked_s * (1 + self._asleep_ppm * 1e-6)

    def slept(self, real_s: float) -> None:
        """The RC oscillator missed a part of these seconds."""
        self._zero_us += round((real_s - real_s / (1 + self._asleep_ppm * 1e-6)) * 1e6)

    def store(self, content: bytes) -> None:
        if len(content) > MEMORY_SIZE:
            raise ValueError("buffer too long")
        self.memory = content

    def _monotonic_us(self) -> int:
        return round(self._clock.monotonic_s() * 1e6)
