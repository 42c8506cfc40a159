"""A battery behind a resistive divider, and the ESP32's own ADC that reads it."""

from hardware.virtual.chips.chip import Chip, Fault, Quantity, Witness
from hardware.virtual.clock import Clock

# Full scale by attenuation setting (0, 2.5, 6, 11 dB): 1.1 V reference, at most the supply.
# ESP32 technical reference manual, "On-Chip Sensors and Analog Signal Processing".
FULL_SCALE_UV = (1_100_000, 1_467_000, 2_195_000, 3_300_000)


def adc_code(pin_uv: int, attenuation: int) -> int:
    """12-bit code of the ESP32's ADC; it clips at both ends."""
    return max(0, min(4095, round(pin_uv * 4095 / FULL_SCALE_UV[attenuation])))


def adc_uv(code: int, attenuation: int) -> int:
    """What the calibrated reading says: whole millivolts, in microvolts."""
    return round(code * FULL_SCALE_UV[attenuation] / 4095 / 1000) * 1000


class Battery(Chip):
    """`volts` of the cell; `divider` is cell voltage over pin voltage (2.0 for two equal resistors)."""

    def __init__(
        self, volts: Quantity, clock: Clock, divider: float = 2.0, witness: Witness | None = None
    ) -> None:
        super().__init__(witness)
        self._volts = volts
        self._clock = clock
        self._divider = divider
        self._last_uv = 0

    def pin_uv(self) -> int:
        """Microvolts at the ADC pin now."""
        if self.fault is Fault.DISCONNECTED:
            uv = 0
        elif self.fault is Fault.STUCK:
            uv = self._last_uv
        elif self.fault is Fault.OUT_OF_RANGE:
            uv = 3_300_000
        else:
            uv = round(self._volts() / self._divider * 1e6)
        self._last_uv = uv
        self._sampled("pin_uv", uv, self._clock.utc_ms())
        return uv
