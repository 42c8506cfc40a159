"""The figures of one building's hours: what it uses at rest, at most, at night, and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from gateway.energy.hours import Hour, between, measured, total_wh
from gateway.energy.periods import start_of

# Near-base load: the load that 97.5 % of the hours lie above. P. Price, Methods for Analyzing Electric Load
# Shape and its Variability, LBNL-3713E (2010). A single faulty hour does not set it, as it would a minimum.
BASE_SHARE = 0.025


@dataclass(frozen=True, slots=True)
class InUse:
    """When a building is in use, in local time: on `weekdays` (0 is Monday) from an hour to another."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    from_h: int = 6
    to_h: int = 22
    holidays: frozenset[date] = frozenset()

    def at(self, moment: datetime) -> bool:
        return self.on(moment.date()) and self.from_h <= moment.hour < self.to_h

    def on(self, day: date) -> bool:
        """Whether the building is in use on that day at all."""
        return day.weekday() in self.weekdays and day not in self.holidays


def per_area(wh: int, area_m2: float) -> float:
    """Return kWh for each m² of heated floor area."""
    return wh / 1000 / area_m2


def base_load_w(series: Sequence[Hour]) -> int | None:
    """Return the near-base load in W (see BASE_SHARE); None without a measured hour."""
    loads = sorted(hour.wh for hour in measured(series))
    return loads[max(0, ceil(BASE_SHARE * len(loads)) - 1)] if loads else None


def idle_share(series: Iterable[Hour], zone: ZoneInfo, in_use: InUse) -> float | None:
    """Return the share of the energy used at nights and weekends, 0 to 1; None without any energy."""
    hours = list(series)
    whole = total_wh(hours)
    if not whole:
        return None
    idle = (hour for hour in hours if not in_use.at(datetime.fromtimestamp(hour.start_s, zone)))
    return total_wh(idle) / whole


def peak(series: Iterable[Hour]) -> Hour | None:
    """Return the highest measured hour, the first of equals."""
    return max(measured(series), key=lambda hour: hour.wh, default=None)


def duration_curve(series: Iterable[Hour]) -> list[int]:
    """Return the loads in W in falling order: how many hours the load is at or above each."""
    return sorted((hour.wh for hour in series), reverse=True)


def heat_map(
    series: Iterable[Hour], zone: ZoneInfo, from_day: date, to_day: date
) -> list[tuple[date, list[Hour | None]]]:
    """Return for each local day, up to but without `to_day`, its 24 hours by the clock on the wall.

    In autumn two hours share a place, which then has their mean; in spring one is missing, as it was.
    """
    cells: dict[tuple[date, int], list[Hour]] = {}
    from_s, to_s = start_of(from_day, zone), start_of(to_day, zone)
    for hour in between(series, from_s, to_s):
        local = datetime.fromtimestamp(hour.start_s, zone)
        cells.setdefault((local.date(), local.hour), []).append(hour)
    days = (from_day + timedelta(days=i) for i in range((to_day - from_day).days))
    return [(day, [_mean(cells.get((day, clock))) for clock in range(24)]) for day in days]


def _mean(hours: list[Hour] | None) -> Hour | None:
    if not hours:
        return None
    wh = total_wh(hours) // len(hours)
    return Hour(hours[0].start_s, wh, any(hour.estimated for hour in hours))
