"""Capacity tariffs, one file each in tariffs/, with every version since when it holds."""

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from device_configs.entry import Day, Entry, Slug, Text, wrong
from device_configs.problem import ConfigError
from device_configs.source import read_yaml
from device_configs.validate import validate

TARIFFS = Path(__file__).parent / "tariffs"

Ore = Annotated[float, Field(ge=0, le=100_000_000)]
Month = Annotated[int, Field(ge=1, le=12)]


class Step(Entry):
    """One capacity step: from its lower limit up to, but without, the next one's."""

    from_kw: Annotated[float, Field(ge=0)]
    """Lower limit."""
    kr_per_month: Ore
    """Price of the month."""


class Steps(Entry):
    """A price for each month by the mean of its highest hours: customers below 100 MWh a year."""

    kind: Literal["steps"]
    """Which sort of tariff this is."""
    valid_from: Day
    """First day it holds."""
    peaks: Annotated[int, Field(ge=1, le=10)]
    """How many of the highest hours the mean is taken of."""
    different_days: bool
    """True: at most one of them from a day."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    """Rising, the first one from 0."""
    ore_per_kwh: Ore
    """Energy part, without taxes."""
    source: Text
    """Where the prices come from."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        limits = [step.from_kw for step in self.steps]
        if limits[0] != 0 or limits != sorted(set(limits)):
            raise wrong("the steps' `from_kw` have to rise, beginning with 0")
        return self


class Season(Entry):
    """The months in which a kilowatt costs the same."""

    months: Annotated[tuple[Month, ...], Field(min_length=1)]
    """1 is January."""
    kr_per_kw: Ore
    """Price of each kW of the month's highest hour."""


class Peak(Entry):
    """A price for each kW of the month's highest hour: customers above 100 MWh a year."""

    kind: Literal["peak"]
    """Which sort of tariff this is."""
    valid_from: Day
    """First day it holds."""
    kr_per_month: Ore
    """Fixed price of each month."""
    seasons: Annotated[tuple[Season, ...], Field(min_length=1)]
    """Together all twelve months."""
    ore_per_kwh: Ore
    """Energy part, without taxes."""
    source: Text
    """Where the prices come from."""

    @model_validator(mode="after")
    def _check_months(self) -> Self:
        if sorted(month for season in self.seasons for month in season.months) != list(range(1, 13)):
            raise wrong("each month has to be in exactly one of the seasons")
        return self

    def kr_per_kw(self, month: int) -> float:
        """Return the price of a kW in a month, 1 to 12."""
        return next(season.kr_per_kw for season in self.seasons if month in season.months)


Version = Annotated[Steps | Peak, Field(discriminator="kind")]


class Tariff(Entry):
    """A grid company's prices for one sort of customer, without taxes and VAT."""

    name: Slug
    """The file's name."""
    title: Text
    """What it is called, and for whom."""
    versions: Annotated[tuple[Version, ...], Field(min_length=1)]
    """Oldest first."""

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        dates = [version.valid_from for version in self.versions]
        if dates != sorted(set(dates)):
            raise wrong("`versions` have to be in order of `valid_from`, each day once")
        return self

    def at(self, day: date) -> Steps | Peak | None:
        """Return what holds on a day; None before the first version."""
        return max(
            (version for version in self.versions if version.valid_from <= day),
            key=lambda version: version.valid_from,
            default=None,
        )


@lru_cache(maxsize=1)
def tariffs() -> dict[str, Tariff]:
    """Return the tariffs that come with this version, by name. Raises ConfigError."""
    return load_tariffs(TARIFFS)


def load_tariffs(folder: Path) -> dict[str, Tariff]:
    """Return the tariffs in a folder, by name. Raises ConfigError with everything wrong in them."""
    found, problems = {}, []
    for file in sorted(folder.glob("*.yaml")):
        document, wrong_here = read_yaml(file)
        tariff = None
        if not wrong_here:
            tariff, wrong_here = validate(document, (), Tariff)
        problems += wrong_here
        if tariff is not None and tariff.name != file.stem:
            problems.append(document.problem(("name",), f"the file's name says `{file.stem}`"))
        if tariff is not None:
            found[file.stem] = tariff
    if problems:
        raise ConfigError(problems)
    return found
