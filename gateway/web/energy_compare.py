"""Two spans of months side by side: of two buildings, or of one building at two times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from device_configs.building_schema import Building
from gateway.building_report import PeriodFigures, is_known, period_figures
from gateway.buildings import BuildingEnergy, Sources
from gateway.energy.periods import next_first

LENGTHS = (1, 3, 6, 12)
MONTHS_BACK = 60  # how far back a span can begin


@dataclass(frozen=True, slots=True)
class Span:
    """So many months of a building, from the first of one on."""

    building: str
    first: date
    months: int


@dataclass(frozen=True, slots=True)
class Side:
    """One span and its months; None of those of which nothing is known."""

    building: Building
    months: Sequence[date]
    figures: Sequence[PeriodFigures | None]

    @property
    def kwh(self) -> float | None:
        """The sum; None unless every month is known."""
        known = [figure for figure in self.figures if figure]
        return sum(f.counted_kwh for f in known) if len(known) == len(self.figures) else None

    @property
    def per_m2(self) -> float | None:
        return None if self.kwh is None else self.kwh / self.building.heated_area_m2


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two spans of the same length. Both are held against each other by kWh/m²."""

    left: Side
    right: Side

    @property
    def rows(self) -> list[tuple[date, PeriodFigures | None, date, PeriodFigures | None, float | None]]:
        """Each month of both, with how much more (share) the left one used per m²."""
        pairs = zip(self.left.months, self.left.figures, self.right.months, self.right.figures, strict=True)
        return [(a, f, b, g, more(f.per_m2 if f else None, g.per_m2 if g else None)) for a, f, b, g in pairs]

    @property
    def more(self) -> float | None:
        return more(self.left.per_m2, self.right.per_m2)


def more(left: float | None, right: float | None) -> float | None:
    """Return how much more than the right one the left one is, as a share; None where one is not known."""
    return left / right - 1 if left is not None and right else None


def compare(sources: Sources, left: Span, right: Span, today: date) -> Comparison:
    """Return two spans side by side; a month that is not over goes up to today. Raises KeyError."""
    return Comparison(_side(sources, left, today), _side(sources, right, today))


def months_from(first: date, count: int) -> list[date]:
    """Return so many firsts of months."""
    found = [first]
    while len(found) < count:
        found.append(next_first(found[-1], "month"))
    return found


def first_choices(today: date) -> list[date]:
    """Return the months a span can begin with, the newest first."""
    found = [today.replace(day=1)]
    while len(found) < MONTHS_BACK:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def _side(sources: Sources, span: Span, today: date) -> Side:
    energy = sources.building(span.building)
    months = months_from(span.first, span.months)
    return Side(energy.building, months, [_figures(energy, month, today) for month in months])


def _figures(energy: BuildingEnergy, month: date, today: date) -> PeriodFigures | None:
    end = min(next_first(month, "month"), today)
    if end <= month:
        return None
    (found,) = period_figures(energy, "month", month, end)
    return found if is_known(found) else None
