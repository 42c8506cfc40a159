"""What buildings.yaml and initiatives.yaml may say."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from device_configs.entry import Day, Entry, Moment, NodeId, Slug, Text, Word, wrong

EnergyCarrier = Literal["electricity", "district_heat", "oil", "gas", "wood"]
Proof = Literal["measured", "documented", "claimed"]
GoalName = Literal["improvements", "funds_kr", "media_mentions", "jobs"]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MeterFactor = Annotated[float, Field(gt=0, le=100_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise wrong("names something twice")
    return names


class Swap(Entry):
    """The day another meter was hung in the same place: what one shows says nothing about the other."""

    at: Moment
    """When, with time zone: the first moment of the new meter."""
    meter_factor: MeterFactor = 1.0
    """The factor from then on."""
    source: Text
    """Where the factor comes from."""


class Meter(Entry):
    """One main meter of a building."""

    node: NodeId
    """The energy node that reads it."""
    meter_factor: MeterFactor = 1.0
    """True value / value on the port: the transformers' ratio where the port shows secondary values."""
    source: Text
    """Where the factor comes from; best checked against a bill."""
    swaps: tuple[Swap, ...] = ()
    """Every later meter in this place, in order of time."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        moments = [swap.at for swap in self.swaps]
        if moments != sorted(set(moments)):
            raise wrong("`swaps` have to be in order of time")
        return self


class OutdoorTemperature(Entry):
    """Where a building's outdoor temperature comes from: a node, an imported series, or both."""

    node: NodeId | None = None
    """A node with an outdoor probe ..."""
    key: Word | None = None
    """... and the value's key."""
    series: Slug | None = None
    """An imported series (`sensornett energy import`), for the time before the node, and for its gaps."""

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.node is None) != (self.key is None):
            raise wrong("`node` and `key` go together")
        if self.node is None and self.series is None:
            raise wrong("say `node` with `key`, or `series`")
        return self


class UseHours(Entry):
    """When people use a building. Outside of it is night and weekend."""

    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1), AfterValidator(_each_once)]
    """For example [mon, tue, wed, thu, fri]."""
    from_h: Annotated[int, Field(ge=0, le=23)]
    """First hour, local time."""
    to_h: Annotated[int, Field(ge=1, le=24)]
    """End, local time."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.from_h < self.to_h:
            raise wrong("`to_h` has to be later than `from_h`")
        return self


class Building(Entry):
    """One building whose energy is watched."""

    id: Slug
    """Name in links and files."""
    name: Text
    """What people call it."""
    heated_area_m2: Annotated[float, Field(gt=0, le=1_000_000)]
    """Heated floor area, which kWh/m² is reckoned with."""
    area_source: Text
    """Where the area comes from."""
    outdoor_temperature: OutdoorTemperature | None = None
    """For degree days and the energy-temperature curve."""
    meters: tuple[Meter, ...] = ()
    """Main meters: their sum is the building's electricity."""
    counted_carriers: Annotated[
        tuple[EnergyCarrier, ...], Field(min_length=1), AfterValidator(_each_once)
    ] = ("electricity",)
    """Which energy counts in kWh/m²; all but electricity is imported."""
    in_use: UseHours | None = None
    """When it is used; left out: Monday to Friday, 6 to 22."""
    tariff: Slug | None = None
    """Its capacity tariff: a file in tariffs/."""
    price_ore_per_kwh: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """What a kWh less is worth, energy and the parts of the grid tariff that follow it."""
    caretaker: Slug | None = None
    """Who is told of deviations: a recipient in alerts.yaml."""
    dwelling: bool = False
    """Somebody lives there: its energy is never made public."""


class Counts(Entry):
    """What an initiative adds to the strategy's goals."""

    improvements: Count = 0
    """Improvements of services or operation."""
    funds_kr: Count = 0
    """Money from outside, in kroner."""
    media_mentions: Count = 0
    """Mentions in the media."""
    jobs: Count = 0
    """Jobs created or secured."""


class Initiative(Entry):
    """Something done to save energy or to be better prepared, with what shows that it worked."""

    id: Slug
    """Name in links and files."""
    what: Text
    """What is done."""
    where: Text
    """At which place."""
    building: Slug | None = None
    """The building whose figures are compared before and after."""
    since: Day
    """First day on which it works, or is meant to."""
    goal: Text
    """What it should achieve, in numbers."""
    evidence: Text
    """How that is shown."""
    status: Literal["idea", "planned", "running", "done", "stopped"]
    """How far it is."""
    proof: Proof = "claimed"
    """What the effect rests on. What is only claimed counts for no goal."""
    work_until: Day | None = None
    """Last day of the work, when the building was neither as before nor as after; left out: none."""
    cost_kr: Count | None = None
    """What it has cost, in kroner."""
    counts: Counts = Counts()
    """What it adds to the goals."""

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.work_until is not None and self.work_until < self.since:
            raise wrong("`work_until` lies before `since`")
        return self

    @property
    def after(self) -> date:
        """The first day that counts as after."""
        return self.work_until or self.since


class Goal(Entry):
    """One of the strategy's goals."""

    id: GoalName
    """Which one."""
    target: Annotated[int, Field(gt=0)]
    """How many."""
    by: Day
    """Until when."""
    source: Text
    """Where it was decided."""


class EventPeriod(Entry):
    """A time with a name, to look at before, during and after: a festival, a championship."""

    id: Slug
    """Name in links."""
    name: Text
    """What people call it."""
    first_day: Day
    """Its first day."""
    last_day: Day
    """Its last day."""

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.last_day < self.first_day:
            raise wrong("`last_day` lies before `first_day`")
        return self
