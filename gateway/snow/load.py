"""What the snow on a roof may weigh: an estimate, as a band."""

from dataclasses import dataclass

# Source: Direktoratet for byggkvalitet, advice on snow on roofs: 150 kg/m² is about 50 cm of old dry or
# 40 cm of wet snow, 250 is 80/60, 350 is 120/90. That is 290 to 310 and 375 to 420 kg/m³.
OLD_DRY_KG_PER_M3 = 290.0
WET_KG_PER_M3 = 420.0


@dataclass(frozen=True, slots=True)
class Load:
    """The load in kg/m²: `low` if all of the snow is old and dry, `high` if all of it is wet."""

    low: float
    high: float


def load(depth_mm: float) -> Load:
    """Return the band for a depth. Fresh snow weighs less than `low`: the band is on the safe side."""
    metres = max(0.0, depth_mm) / 1000
    return Load(metres * OLD_DRY_KG_PER_M3, metres * WET_KG_PER_M3)


def load_share(depth_mm: float, design_kg_per_m2: float) -> Load:
    """Return the band in percent of what this building is designed for. Raises ValueError for no design load.

    60 warns, 80 is an alarm, both by the upper end of the band.
    """
    if design_kg_per_m2 <= 0:
        raise ValueError("the design load of the roof has to be known and positive")
    band = load(depth_mm)
    return Load(100 * band.low / design_kg_per_m2, 100 * band.high / design_kg_per_m2)
