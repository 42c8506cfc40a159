"""Battery voltage through a resistive divider on an ADC pin of the ESP32.

Espressif ESP-IDF 4.4 programming guide, "ADC Attenuation": with 11 dB the converter is at its best from 150
to 2450 mV at the pin and ends near 3.1 V. machine.ADC.read_uv() is corrected by the chip's own calibration.
Read it under load (while the radio transmits): a cold lithium cell shows its full voltage until current is
drawn.
"""

from drivers.median import median
from wire.quantities import AT_HIGH, FAULT, OK

# Below this no battery runs the node that reads it: the divider or its wire is open.
LEAST_UV = 100_000
# With 11 dB attenuation the converter is at its end here; the battery may have more.
MOST_UV = 3_100_000


def to_mv(uv: int, ratio_permille: int) -> int:
    """Battery voltage in mV, rounded, from the pin's in uV; `ratio_permille` is 1000 * battery / pin."""
    return (uv * ratio_permille + 500_000) // 1_000_000


def judge(
    uv: int, ratio_permille: int, least_uv: int = LEAST_UV, most_uv: int = MOST_UV
) -> "tuple[int | None, int]":
    """(battery voltage in mV or None, quality) of the pin's voltage in uV."""
    if uv < least_uv:
        return None, FAULT
    return to_mv(uv, ratio_permille), AT_HIGH if uv >= most_uv else OK


class Battery:
    """`adc` as machine.ADC. `fault` says in words why the last read gave FAULT."""

    def __init__(self, adc, ratio_permille=2000, samples=7, least_uv=LEAST_UV, most_uv=MOST_UV):
        self._adc = adc
        self._ratio_permille = ratio_permille
        self._samples = samples
        self._least_uv = least_uv
        self._most_uv = most_uv
        self.fault = None

    def read(self) -> "tuple[int | None, int]":
        """(battery voltage in mV, quality): the median of the samples. Never raises for the converter."""
        try:
            uv = median([self._adc.read_uv() for _ in range(self._samples)])
        except OSError as error:
            self.fault = "no reading from the ADC: %s" % error
            return None, FAULT
        value, quality = judge(uv, self._ratio_permille, self._least_uv, self._most_uv)
        self.fault = None if value is not None else "%d uV at the pin: divider open" % uv
        return value, quality


class Cells:
    """The battery, as the node samples it."""

    def __init__(self, battery):
        self._battery = battery

    def read(self):
        return [self._battery.read()]


def attach(hardware, channels):
    """For sampling: `divider_permille` of the board."""
    bus = channels[0]["bus"]
    return Cells(Battery(hardware.adc(bus), bus["divider_permille"]))
