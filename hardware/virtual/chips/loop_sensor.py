"""A two-wire 4-20 mA transmitter and the shunt that its current is read over."""

from hardware.virtual.chips.chip import Chip, Fault, Quantity, Witness
from hardware.virtual.clock import Clock

# NAMUR NE 43: a measurement stays within these, a fault signal is outside them.
LOWEST_UA, HIGHEST_UA = 3800.0, 20500.0
FAULT_UA = 22000.0


def loop_ua(value: float, lo: float, hi: float) -> float:
    """Microamperes for `value` on a transmitter set to 4 mA at `lo` and 20 mA at `hi`."""
    return max(LOWEST_UA, min(HIGHEST_UA, 4000 + 16000 * (value - lo) / (hi - lo)))


class LoopSensor(Chip):
    """`volts` is what the ADC sees. With supply for less than `settle_s` the current is still rising.

    It has supply from the start unless a Switch feeds it. A broken loop gives 0 mA, out of range 22 mA.
    """

    def __init__(
        self,
        value: Quantity,
        lo: float,
        hi: float,
        clock: Clock,
        shunt_ohm: float = 100.0,
        settle_s: float = 0.0,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(witness)
        self._value = value
        self._lo, self._hi = lo, hi
        self._clock = clock
        self._shunt_ohm = shunt_ohm
        self._settle_s = settle_s
        self._last_ua = 4000.0
        self._since_s = clock.monotonic_s()
        self.powered = True

    def power_on(self) -> None:
        if not self.powered:
            self._since_s = self._clock.monotonic_s()
        super().power_on()

    def current_ua(self) -> float:
        """The loop's current now."""
        if not self.answers:
            return 0.0
        if self.fault is Fault.OUT_OF_RANGE:
            return FAULT_UA
        if self.fault is not Fault.STUCK:
            self._last_ua = loop_ua(self._value(), self._lo, self._hi)
        powered_s = self._clock.monotonic_s() - self._since_s
        if powered_s < self._settle_s:
            return self._last_ua * powered_s / self._settle_s
        return self._last_ua

    def volts(self) -> float:
        """Over the shunt; each call counts as one sample."""
        ua = self.current_ua()
        self._sampled("loop_ua", round(ua), self._clock.utc_ms())
        return ua * 1e-6 * self._shunt_ohm
