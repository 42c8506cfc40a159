"""In which unit people read a value: the integer of its quantity times a factor, with how many decimals."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """`value * factor` is in `unit`. `decimals` None: three figures, so that 4,21 is as exact as 421."""

    unit: str
    factor: float
    decimals: int | None
    least: float = 0.0  # the smallest span of values, in `unit`, that a chart is stretched to

    def of(self, value: float) -> float:
        return value * self.factor

    def places(self, shown: float) -> int:
        """Return how many decimals to write `shown` with."""
        if self.decimals is not None:
            return self.decimals
        size = abs(shown)
        return 2 if size < 9.995 else 1 if size < 99.95 else 0


# By quantity: the end of a key.
_SHOWN = {
    "loop_ua": Shown("mA", 0.001, 2, 1.0),
    "distance_mm": Shown("cm", 0.1, 0, 10.0),
    "level_mm": Shown("cm", 0.1, 0, 10.0),
    "depth_mm": Shown("cm", 0.1, 0, 10.0),
    "spread_mm": Shown("mm", 1.0, 0, 10.0),
    "temp_cc": Shown("°C", 0.01, 1, 2.0),
    "voltage_mv": Shown("V", 0.001, 2, 0.2),
    "tilt_cdeg": Shown("°", 0.01, 1, 2.0),
    "power_w": Shown("kW", 0.001, None, 1.0),
    "reactive_var": Shown("kvar", 0.001, None, 1.0),
    "current_ma": Shown("A", 0.001, 1, 1.0),
    "phase_dv": Shown("V", 0.1, 0, 5.0),
    "reactive_energy_varh": Shown("kvarh", 0.001, None),
    "energy_wh": Shown("kWh", 0.001, None),
    "moisture_permille": Shown("%", 0.1, 0, 5.0),
    "rain_um": Shown("mm", 0.001, 1, 1.0),
}
_AS_IT_IS = Shown("", 1.0, 0, 1.0)


def shown(key: str) -> Shown:
    """Return how values of `key` ("up_level_mm") are shown; as the bare integer where nothing is known."""
    fits = [name for name in _SHOWN if key == name or key.endswith("_" + name)]
    return _SHOWN[max(fits, key=len)] if fits else _AS_IT_IS
