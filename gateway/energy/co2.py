"""CO2 of the energy used, by a table of years and carriers."""

from collections.abc import Mapping
from dataclasses import dataclass

from device_configs.emissions import Emissions


@dataclass(frozen=True, slots=True)
class Co2:
    """Grams of CO2 equivalents. `year`: whose factor was used, which is not always the year asked for."""

    grams: int
    g_per_kwh: float
    year: int
    source: str


def co2(wh: int, carrier: str, year: int, table: Emissions) -> Co2 | None:
    """Return the CO2 of energy used in a year; None where the table has no factor: unknown is not zero."""
    factors = table.of(carrier)
    factor = factors.at(year) if factors else None
    if factors is None or factor is None:
        return None
    return Co2(round(wh / 1000 * factor.g_per_kwh), factor.g_per_kwh, factor.year, factors.source)


def co2_by_year(wh: Mapping[int, int], carrier: str, table: Emissions) -> dict[int, Co2 | None]:
    """Return the CO2 of each year's energy."""
    return {year: co2(energy, carrier, year, table) for year, energy in sorted(wh.items())}
