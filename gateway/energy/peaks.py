"""What the highest hours of a month cost.

Only measured hours count: an estimated hour never sets a peak. How many estimated or missing hours there are
is said beside every figure, and whether an estimated one might have been higher.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from device_configs.tariff import Peak, Steps, Tariff
from gateway.energy.hours import Hour, between, measured, total_wh
from gateway.energy.periods import first_day, local_day, next_first, start_of, totals


@dataclass(frozen=True, slots=True)
class MonthCharge:
    """What one month's capacity costs. `peaks` are the hours that count, highest first; money in øre.

    `demand_w` is their mean, which the price goes by. `doubtful`: an estimated hour is above the lowest of
    them. `step_from_w`: lower limit of the step, for tariffs that have steps.
    """

    month: str
    peaks: tuple[Hour, ...]
    demand_w: int
    capacity_ore: int
    energy_ore: int
    coverage: float
    estimated: int
    doubtful: bool
    step_from_w: int | None = None
    source: str = ""

    @property
    def ore(self) -> int:
        return self.capacity_ore + self.energy_ore


def month_charges(
    series: Sequence[Hour], tariff: Tariff, zone: ZoneInfo, from_day: date, to_day: date
) -> list[MonthCharge]:
    """Return the charge of each month of which something is known; the tariff is that of its first day."""
    charges = []
    month = first_day(from_day, "month")
    while month < to_day:
        following = next_first(month, "month")
        hours = between(series, start_of(month, zone), start_of(following, zone))
        version = tariff.at(month)
        if hours and version is not None:
            charges.append(month_charge(hours, version, zone, month))
        month = following
    return charges


def month_charge(hours: Sequence[Hour], version: Steps | Peak, zone: ZoneInfo, month: date) -> MonthCharge:
    """Return the charge of one month from its hours."""
    (total,) = totals(hours, "month", zone, month, next_first(month, "month"))
    counted = counting(hours, version, zone)
    lowest = counted[-1].wh if counted else 0
    demand = round(total_wh(counted) / len(counted)) if counted else 0
    capacity, step = price(version, demand, month.month)
    return MonthCharge(
        month=total.label,
        peaks=tuple(counted),
        demand_w=demand,
        capacity_ore=capacity,
        energy_ore=round(total.wh / 1000 * version.ore_per_kwh),
        coverage=total.coverage,
        estimated=total.estimated,
        doubtful=any(hour.estimated and hour.wh > lowest for hour in hours),
        step_from_w=step,
        source=version.source,
    )


def counting(hours: Iterable[Hour], version: Steps | Peak, zone: ZoneInfo) -> list[Hour]:
    """Return the measured hours of a month that the price goes by, highest first, the earlier of equals."""
    ranked = sorted(measured(hours), key=lambda hour: (-hour.wh, hour.start_s))
    if isinstance(version, Peak):
        return ranked[:1]
    found: list[Hour] = []
    days: set[date] = set()
    for hour in ranked:
        day = local_day(hour.start_s, zone)
        if not (version.different_days and day in days):
            found.append(hour)
            days.add(day)
        if len(found) == version.peaks:
            break
    return found


def price(version: Steps | Peak, demand_w: int, month: int) -> tuple[int, int | None]:
    """Return (price of a month's demand in øre, lower limit of its step in W where there are steps)."""
    if isinstance(version, Peak):
        return round(version.kr_per_month * 100 + demand_w * version.kr_per_kw(month) / 10), None
    step = max((s for s in version.steps if s.from_kw * 1000 <= demand_w), key=lambda s: s.from_kw)
    return round(step.kr_per_month * 100), round(step.from_kw * 1000)
