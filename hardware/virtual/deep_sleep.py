"""Deep sleep: the RTC's timer and the pins that may end it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

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
        self._wake_pins: Sequence[int] = ()
        self._began_s = 0.0
        self._timer: Appointment | None = None

    def begin(self, asked_ms: int, began_s: float, wake_level: int, wake_pins: Sequence[int]) -> None:
        """Sleeps since `began_s` for what the node's RTC takes for `asked_ms`; 0 means no timer.

        One of `wake_pins` at `wake_level` ends it early.
        """
        self._began_s = began_s
        self._level = wake_level
        self._wake_pins = wake_pins
        lasts_s = self._rtc.sleep_s(asked_ms / 1000)
        if asked_ms > 0:
            left_s = began_s + lasts_s - self._clock.monotonic_s()
            self._timer = self._clock.call_later(max(0.0, left_s), partial(self._wake, TIMER_WAKE))
        chips = [self._pins[number] for number in self._wake_pins if number in self._pins]
        for chip in chips:
            if isinstance(chip, PinSource):
                chip.listen(self._pin_changed)
        if any(chip.level() == self._level for chip in chips):
            self.stop()
            self._timer = self._clock.call_later(0.0, partial(self._wake, EXT0_WAKE))

    def _pin_changed(self, level: int) -> None:
        if level == self._level:
            self._wake(EXT0_WAKE)

    def _wake(self, reason: int) -> None:
        self.stop()
        self._rtc.slept(self._clock.monotonic_s() - self._began_s)
        self._woken(reason)

    def stop(self) -> None:
        """No sleep is going on: nothing will wake the board."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
        for number in self._wake_pins:
            chip = self._pins.get(number)
            if isinstance(chip, PinSource):
                chip.listen(None)
        self._wake_pins = ()
