"""What the energy pages show, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from device_configs.building_schema import Building, EventPeriod
from gateway.building_report import BuildingState, MeasureResult, PeriodFigures
from gateway.energy.et_curve import Curve, Day
from gateway.energy.expected_hour import ExpectedHours
from gateway.energy.hours import Hour
from gateway.energy.peaks import MonthCharge
from gateway.energy.projection import Outlook, Projection
from gateway.store.energy_book import Answer
from gateway.web.energy_charts import DurationDrawing, EtDrawing, HeatDrawing

Sort = Literal["all", "workdays", "weekends"]


@dataclass(frozen=True, slots=True)
class Overview:
    """Every building, the one that deserves attention most first, and what was said about each.

    `waiting` more are still being reckoned. `hours` has what to expect of each building, hour by hour.
    """

    states: Sequence[BuildingState]
    answers: dict[str, Answer]
    waiting: int = 0
    hours: Mapping[str, ExpectedHours] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Warned:
    """What the running hour will come to, against what counts as the month's peak so far."""

    projection: Projection
    limit_w: int
    outlook: Outlook
    extra_ore: int


@dataclass(frozen=True, slots=True)
class BuildingPage:
    """One building's page for one month, of which `hours` are the hours.

    `et` has a drawing for each sort of days; None without a curve, or without such days. `co2_g`: of the
    last 365 days by carrier, None where a factor is missing.
    """

    building: Building
    state: BuildingState
    answer: Answer | None
    month: date
    months: Sequence[date]
    hours: Sequence[Hour]
    figures: Sequence[PeriodFigures]
    charges: Sequence[MonthCharge]
    idle_share: float | None
    curve: Curve | None
    last: Day | None
    et: Mapping[Sort, EtDrawing | None]
    co2_g: Mapping[str, int | None]
    heat: HeatDrawing | None
    duration: DurationDrawing | None


@dataclass(frozen=True, slots=True)
class EventEnergy:
    """A building before, during and after a named time: kWh a day, and how many days of each are known."""

    building: Building
    event: EventPeriod
    before: float | None
    during: float | None
    after: float | None
    expected: float | None


@dataclass(frozen=True, slots=True)
class Measures:
    """The register of initiatives, what counts for the goals, and the named times.

    `drawings` hold the days since each measure over the band of the days before it, by the initiative's id.
    """

    results: Sequence[MeasureResult]
    drawings: dict[str, EtDrawing]
    counted: dict[str, int]
    counts: dict[str, bool]
    events: Sequence[EventEnergy]
