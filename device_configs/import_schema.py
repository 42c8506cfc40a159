"""What a mapping file says about someone else's CSV: which column is what, and whose values they are.

A mapping names metering points, which belong to nobody but the municipality: keep it outside of git.
"""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from device_configs.building_schema import EnergyCarrier
from device_configs.entry import Entry, Slug, Text, wrong
from device_configs.problem import ConfigError
from device_configs.site_schema import Zone
from device_configs.source import read_yaml
from device_configs.validate import validate

Status = Literal["measured", "estimated"]
ImportedCarrier = EnergyCarrier | Literal["water"]
CARRIERS = (*get_args(EnergyCarrier), "water")
ENERGY_UNITS = {"Wh": 1, "kWh": 1000, "MWh": 1_000_000}
WATER_UNITS = {"l": 1, "m3": 1000}


def _is_one_sign(text: str) -> str:
    if len(text) != 1:
        raise wrong("has to be a single character")
    return text


class Columns(Entry):
    """The columns' names in the header, exactly as they stand there."""

    start: Text
    """Begin of the interval, or the time of the reading."""
    end: Text | None = None
    """End of the interval, where the file has one."""
    value: Text
    """The value."""
    point: Text | None = None
    """Whose value it is, where a file holds several."""
    quality: Text | None = None
    """How good it is."""


class Target(Entry):
    """Where values go: a meter of a building, or a temperature series."""

    building: Slug | None = None
    """The building, as in buildings.yaml."""
    carrier: ImportedCarrier = "electricity"
    """What is measured."""
    meter: Slug = "main"
    """Which of the building's meters of this carrier; all of them are added up."""
    temperature: Slug | None = None
    """Instead of a building: the name of an outdoor-temperature series, in °C."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.building is None) == (self.temperature is None):
            raise wrong("say either `building` or `temperature`")
        return self


class Mapping(Entry):
    """One kind of CSV file."""

    source: Text
    """Who says so: "Elhub", "the energy system", "read by the caretaker" ..."""
    kind: Literal["intervals", "readings"]
    """`intervals`: each line is what was used in a time. `readings`: each line is what a meter showed."""
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    """How the file is written."""
    delimiter: Annotated[str, AfterValidator(_is_one_sign)] = ";"
    """What stands between two columns."""
    decimal: Literal[",", "."] = ","
    """Decimal sign."""
    skip_lines: Annotated[int, Field(ge=0, le=100)] = 0
    """Lines before the header."""
    columns: Columns
    """Which column is what."""
    time_format: Text | None = None
    """As for strptime, for example "%d.%m.%Y %H:%M"; left out: ISO 8601."""
    timezone: Zone
    """Zone of times that carry none. In local time the hour that comes twice is told by its order."""
    interval_min: Annotated[int, Field(ge=1, le=527_040)] | None = None
    """Length of the intervals, where the file has no column for their end."""
    unit: Literal["Wh", "kWh", "MWh", "l", "m3", "Cel"] = "kWh"
    """Unit of the value."""
    kwh_per_unit: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """For fuel in litres or m³: energy in one of them; its source goes into `source`."""
    factor: Annotated[float, Field(gt=0, le=100_000)] = 1.0
    """Every value is multiplied by it: transformers' ratio, where the file holds secondary values."""
    quality: dict[str, Status] = {}  # noqa: RUF012  pydantic copies it
    """What the words in the quality column mean."""
    status: Status = "measured"
    """How good values are where there is no quality column."""
    target: Target | None = None
    """Whose values they are, where the file has one series."""
    points: dict[str, Target] = {}  # noqa: RUF012  pydantic copies it
    """Whose values they are, by what stands in the column `point`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.target is None) == (self.columns.point is None):
            raise wrong("say either `target`, or a column `point` and `points`")
        if bool(self.points) != (self.columns.point is not None):
            raise wrong("`points` and the column `point` go together")
        if self.kind == "intervals" and (self.columns.end is None) == (self.interval_min is None):
            raise wrong("intervals have either a column `end` or `interval_min`")
        if bool(self.quality) != (self.columns.quality is not None):
            raise wrong("`quality` and the column `quality` go together")
        for target in self.targets:
            self._check_unit(target)
        return self

    def _check_unit(self, target: Target) -> None:
        if target.temperature:
            right = self.unit == "Cel" and self.kind == "intervals"
        elif target.carrier == "water":
            right = self.unit in WATER_UNITS
        else:
            right = self.unit in ENERGY_UNITS or (self.unit in WATER_UNITS and self.kwh_per_unit is not None)
        if not right:
            what = target.temperature or target.carrier
            raise wrong(f"`{what}` can not be in {self.unit}")

    @property
    def targets(self) -> tuple[Target, ...]:
        return (self.target,) if self.target else tuple(self.points.values())

    @property
    def per_unit(self) -> float:
        """Wh (litres of water, °C) in one unit of the file's values."""
        if self.kwh_per_unit is not None:
            return self.kwh_per_unit * 1000 * self.factor
        return {**ENERGY_UNITS, **WATER_UNITS, "Cel": 1}[self.unit] * self.factor


def load_mapping(path: Path) -> Mapping:
    """Return the mapping in a file. Raises ConfigError with everything wrong in it."""
    document, problems = read_yaml(path)
    mapping = None
    if not problems:
        mapping, problems = validate(document, (), Mapping)
    if mapping is None or problems:
        raise ConfigError(problems)
    return mapping
