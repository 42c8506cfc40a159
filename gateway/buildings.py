"""The buildings of a site with what is known of them: from nodes, and from what others have given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

from device_configs.building_schema import WEEKDAYS, Building, Meter
from device_configs.checks import METER_KEY
from device_configs.model import Site
from device_configs.tariff import Tariff, tariffs
from gateway.energy.et_curve import Curve, Day, TooFewDays, days_of, expected_band
from gateway.energy.figures import InUse
from gateway.energy.given import hours_of, temperatures_of
from gateway.energy.holidays import holidays
from gateway.energy.hours import Hour, added, between, preferred
from gateway.energy.metering import Factor, Metered, metered
from gateway.energy.periods import Kind, Total, local_day, start_of, totals
from gateway.energy.registers import Event
from gateway.energy.weather import daily_means
from gateway.store.energy_book import TEMPERATURE, EnergyBook, Series
from gateway.store.meter_hours import MeterHours
from wire.quantities import BY_NAME

ELECTRICITY = "electricity"
SWAP_NEAR_S = 3 * 86_400  # people write down the day


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything read once: what each building's figures are made of."""

    site: Site
    meter_hours: MeterHours
    book: EnergyBook | None

    def buildings(self) -> list["BuildingEnergy"]:
        return [BuildingEnergy(building, self) for building in self.site.buildings]

    def building(self, name: str) -> "BuildingEnergy":
        """Return the building of this id. KeyError when the site has none."""
        for building in self.site.buildings:
            if building.id == name:
                return BuildingEnergy(building, self)
        raise KeyError(name)


class BuildingEnergy:
    """One building's series, each made when first asked for."""

    def __init__(self, building: Building, sources: Sources) -> None:
        self.building = building
        self.zone = ZoneInfo(sources.site.timezone)
        self._sources = sources

    @cached_property
    def in_use(self) -> InUse:
        """When it is used; holidays are Norwegian where the site is."""
        use = self.building.in_use
        free = frozenset(day for year in range(2000, 2100) for day in holidays(year))
        holidays_here = free if self._sources.site.timezone == "Europe/Oslo" else frozenset()
        if use is None:
            return InUse(holidays=holidays_here)
        weekdays = tuple(WEEKDAYS.index(day) for day in use.weekdays)
        # Whoever is open on all seven days is open on holidays.
        return InUse(weekdays, use.from_h, use.to_h, frozenset() if len(weekdays) == 7 else holidays_here)

    @property
    def tariff(self) -> Tariff | None:
        return tariffs().get(self.building.tariff) if self.building.tariff else None

    # Series

    @cached_property
    def meters(self) -> list[Metered]:
        """What each of its nodes' meters has counted."""
        kept = self._sources.meter_hours
        return [
            metered(
                kept.registers(meter.node),
                kept.power(meter.node),
                factors(meter, kept.swaps(meter.node)),
                pushed_hourly=self._pushed_hourly(meter.node),
            )
            for meter in self.building.meters
        ]

    def _pushed_hourly(self, node: int) -> bool:
        """Whether the node's meter gives its register by itself, for the full hour before."""
        profiles = [found.profile for found in self._sources.site.nodes if found.id == node]
        meters = [p.sensors[c.sensor] for p in profiles for c in p.channels if c.key == METER_KEY]
        return meters in ([], ["han"])

    @property
    def events(self) -> list[tuple[int, Event]]:
        """What happened to its meters' registers, in order of time."""
        return sorted(event for meter in self.meters for event in meter.events)

    @cached_property
    def from_nodes(self) -> list[Hour]:
        """Electricity as its own nodes have measured it."""
        return added([meter.hours for meter in self.meters])

    def given(self, carrier: str) -> list[Hour]:
        """What others have given of a carrier, all its meters together."""
        book = self._sources.book
        if book is None:
            return []
        mine = [s for s in book.series() if (s.building, s.carrier) == (self.building.id, carrier)]
        return added([hours_of(book.given(series)) for series in mine])

    @cached_property
    def electricity(self) -> list[Hour]:
        """The settled series where there is one, else what the nodes have measured."""
        return preferred(self.given(ELECTRICITY), self.from_nodes)

    def carrier(self, carrier: str) -> list[Hour]:
        return self.electricity if carrier == ELECTRICITY else self.given(carrier)

    @cached_property
    def temperatures(self) -> dict[int, float]:
        """Outdoor temperature (°C) of each hour: the node's, and the imported series where it has none."""
        outdoor = self.building.outdoor_temperature
        if outdoor is None:
            return {}
        found: dict[int, float] = {}
        if outdoor.series is not None and self._sources.book is not None:
            found |= temperatures_of(self._sources.book.given(Series(outdoor.series, TEMPERATURE, "main")))
        if outdoor.node is not None and outdoor.key is not None:
            scale = BY_NAME["temp_cc"].scale
            means = self._sources.meter_hours.means(outdoor.node, outdoor.key)
            found |= {start: mean * scale for start, mean in means.items()}
        return found

    # What is made of them

    def totals(self, kind: Kind, from_day: date, to_day: date, carrier: str = ELECTRICITY) -> list[Total]:
        return totals(self.carrier(carrier), kind, self.zone, from_day, to_day)

    @cached_property
    def span(self) -> tuple[date, date] | None:
        """The first day of which electricity is known, and the one after the last; None without any."""
        if not self.electricity:
            return None
        first, last = (local_day(self.electricity[i].start_s, self.zone) for i in (0, -1))
        return first, last + timedelta(days=1)

    @cached_property
    def days(self) -> list[Day]:
        """Every whole day with its mean outdoor temperature."""
        if self.span is None:
            return []
        daily = totals(self.electricity, "day", self.zone, *self.span)
        return days_of(daily, daily_means(self.temperatures, self.zone), self.in_use)

    def curve(self, today: date) -> Curve | None:
        """What to expect, from the 365 days before `today`; None while too little is known."""
        try:
            return expected_band(self.days, today)
        except TooFewDays:
            return None

    def between(self, from_day: date, to_day: date) -> list[Hour]:
        """Return the electricity of some local days, up to but without `to_day`."""
        return between(self.electricity, start_of(from_day, self.zone), start_of(to_day, self.zone))


def factors(meter: Meter, seen: Iterable[int] = ()) -> Sequence[Factor]:
    """Return a meter's factors since the beginning and since each swap.

    `seen`: when its node saw another meter, in UTC seconds. That is the moment of the swap that the site's
    files tell of within SWAP_NEAR_S of it, and another one, with the factor before, where they tell of none.
    """
    told = [(int(swap.at.timestamp()), Fraction(str(swap.meter_factor))) for swap in meter.swaps]
    found = [Factor(0, Fraction(str(meter.meter_factor)))]
    left = sorted(seen)
    for at_s, factor in told:
        near = min(left, key=lambda moment: abs(moment - at_s), default=None)
        if near is not None and abs(near - at_s) <= SWAP_NEAR_S:
            left.remove(near)
            at_s = near
        found.append(Factor(at_s, factor))
    for at_s in left:
        before = [factor for factor in found if factor.from_s <= at_s]
        found.append(Factor(at_s, max(before, key=lambda factor: factor.from_s).factor))
    return sorted(found, key=lambda factor: factor.from_s)
