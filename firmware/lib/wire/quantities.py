"""Physical quantities a record can carry: what an integer on the wire means, and its limits.

Ids are part of the wire format: a row is added, never changed or reused.
`lo` and `hi` fix the bit width of an absolute value, so they are the limits of what an
instrument can send, generously taken, not of what is plausible.
"""

# Quality of one value. MISSING and FAULT carry no value; all others do.
OK = 0
MISSING = 1  # not measured: switched off, not installed, skipped to save energy
FAULT = 2  # the sensor did not answer, or answered what it can not have measured
OUT_OF_RANGE = 3  # outside the plausible range of the place
AT_HIGH = 4  # at or beyond the instrument's upper limit
AT_LOW = 5  # at or beyond the instrument's lower limit
FROZEN = 6  # unchanged for longer than this quantity ever is
SPREAD = 7  # repeated measurements disagreed too much
CLAMPED = 8  # did not fit the wire's range and was cut to it
ESTIMATED = 9  # not measured but derived, e.g. across a register reset

QUALITY_NAMES = (
    "ok",
    "missing",
    "fault",
    "out of range",
    "at or beyond high limit",
    "at or beyond low limit",
    "frozen",
    "spread too large",
    "clamped",
    "estimated",
)


class Quantity:
    """One row of the table: an integer `n` on the wire means `n * scale` of `unit` (UCUM)."""

    def __init__(self, id: int, name: str, unit: str, scale: float, lo: int, hi: int) -> None:
        self.id = id
        self.name = name
        self.unit = unit
        self.scale = scale
        self.lo = lo
        self.hi = hi
        width = 0
        while (hi - lo) >> width:
            width += 1
        self.width = width  # bits of an absolute value

    def fit(self, value: int) -> "tuple[int, int]":
        """Return (value cut to the wire's range, OK or CLAMPED)."""
        if value < self.lo:
            return self.lo, CLAMPED
        if value > self.hi:
            return self.hi, CLAMPED
        return value, OK


_TABLE = (
    Quantity(1, "loop_ua", "uA", 1, 0, 32767),
    Quantity(2, "distance_mm", "mm", 1, 0, 16383),
    Quantity(3, "temp_cc", "Cel", 0.01, -10000, 15000),
    Quantity(4, "voltage_mv", "mV", 1, 0, 32767),
    Quantity(5, "tilt_cdeg", "deg", 0.01, -18000, 18000),
    Quantity(6, "spread_mm", "mm", 1, 0, 4095),
    Quantity(7, "level_mm", "mm", 1, -32768, 32767),
    Quantity(8, "depth_mm", "mm", 1, -4096, 12287),
    Quantity(9, "power_w", "W", 1, 0, 16777215),
    Quantity(10, "reactive_var", "var", 1, 0, 16777215),
    Quantity(11, "current_ma", "mA", 1, -4194304, 4194303),
    Quantity(12, "phase_dv", "V", 0.1, 0, 16383),
    Quantity(13, "energy_wh", "W.h", 1, 0, (1 << 40) - 1),
    Quantity(14, "reactive_energy_varh", "var.h", 1, 0, (1 << 40) - 1),
    Quantity(15, "pulses", "{pulse}", 1, 0, (1 << 32) - 1),
    Quantity(16, "moisture_permille", "[ppth]", 1, 0, 1000),
    Quantity(17, "rain_um", "um", 1, 0, (1 << 32) - 1),
)

QUANTITIES = {q.id: q for q in _TABLE}
BY_NAME = {q.name: q for q in _TABLE}
del _TABLE


def keep_only(ids: "tuple[int, ...]") -> None:
    """Forget all other quantities, and the names: a node has few of them, and little heap."""
    for id in list(QUANTITIES):
        if id not in ids:
            del QUANTITIES[id]
    BY_NAME.clear()
