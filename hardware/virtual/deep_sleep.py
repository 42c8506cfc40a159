"""Deep sleep: the RTC's timer and the pins that may end it."""

from collections.abc import Callable, Mapping

from hardware.virtual.clock import Appointment, BoardClock
from hardware.virtual.rtc import Rtc
from hardware.virtual.wiring import PinChip, PinSource

EXT0_WAKE, TIMER_WAKE = 2, 4


class DeepSleep:
    """`woken` gets the wake reason. Without a timer and without a pin the board sleeps for ever."""

    def __init__(
        self, clock: BoardClock, rtc: Rtc, pins: Mapping[int, PinChip], woken: Callable[[int], None]
    ) -> None:
        self._clock = clock
        self._rtc = rtc
        self._pins = pins
        self._woken = woken
        self._level = 1
        self._wake_pins: list[int] = []
        self._began_s = 0.0
        self._timer: Appointment | None = None

    def wake_on(self, level: int, pins: list[int]) -> None:
        """The pins of which one at `level` ends the next sleep."""
        self._level = level
        self._wake_pins = pins

    def forget(self) -> None:
        """A reset: no wake-up source is set."""
        self._wake_pins = []
        self._stop()

    def begin(self, asked_ms: int, began_s: float) -> None:
        """Sleeps since `began_s` for what the node's RTC takes for `asked_ms`; 0 means no timer."""
        self._began_s = began_s
        if asked_ms > 0:
            left_s = began_s + self._rtc.sleep_s(asked_ms / 1000) - self._clock.monotonic_s()
            self._timer = self._clock.call_later(max(0.0, left_s), lambda: self._wake(TIMER_WAKE))
        chips = [self._pins[number] for number in self._wake_pins if number in self._pins]
        for chip in chips:
            if isinstance(chip, PinSource):
                chip.listen(self._pin_changed)
        if any(chip.level() == self._level for chip in chips):
            self._stop()
            self._timer = self._clock.call_later(0, lambda: self._wake(EXT0_WAKE))

    def _pin_changed(self, level: int) -> None:
        if level == self._level:
            self._wake(EXT0_WAKE)

    def _wake(self, reason: int) -> None:
        self._stop()
        self._rtc.slept(self._clock.monotonic_s() - self._began_s)
        self._woken(reason)

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
        for number in self._wake_pins:
            chip = self._pins.get(number)
            if isinstance(chip, PinSource):
                chip.listen(None)
