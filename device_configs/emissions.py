"""How much CO2 goes with a kWh, by carrier and year: emissions.yaml."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from device_configs.entry import Entry, Text
from device_configs.problem import ConfigError
from device_configs.source import read_yaml
from device_configs.validate import validate

FILE = Path(__file__).with_name("emissions.yaml")

Year = Annotated[int, Field(ge=1990, lt=2100)]
Grams = Annotated[float, Field(ge=0, le=2000)]


class YearFactor(Entry):
    """The factor of one year."""

    year: Year
    """Calendar year."""
    g_per_kwh: Grams
    """Grams of CO2 equivalents for each kWh."""


class CarrierFactors(Entry):
    """The factors of one energy carrier."""

    carrier: Text
    """As in buildings.yaml."""
    years: Annotated[tuple[YearFactor, ...], Field(min_length=1)]
    """In order of the years."""
    source: Text
    """Where they come from."""

    def at(self, year: int) -> YearFactor | None:
        """Return the factor of a year, or of the last one before it; None when the table begins later."""
        return max((f for f in self.years if f.year <= year), key=lambda f: f.year, default=None)


class Emissions(Entry):
    """emissions.yaml. A carrier that is not in it has no factor, which is not zero."""

    carriers: tuple[CarrierFactors, ...]
    """One entry for each carrier."""

    def of(self, carrier: str) -> CarrierFactors | None:
        return next((factors for factors in self.carriers if factors.carrier == carrier), None)


@lru_cache(maxsize=1)
def emissions() -> Emissions:
    """Return the table that comes with this version. Raises ConfigError."""
    document, problems = read_yaml(FILE)
    found = None
    if not problems:
        found, problems = validate(document, (), Emissions)
    if found is None or problems:
        raise ConfigError(problems)
    return found
