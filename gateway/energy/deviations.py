"""Which buildings deserve attention: what they used above what was expected, and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum

from gateway.energy.et_curve import Curve, Day


@dataclass(frozen=True, slots=True)
class Deviation:
    """What a building used above (negative: below) what was expected on the last whole days.

    `since`: first day of the run of days above the band that lasts until now; None when there is none.
    `kwh` within ± `band_kwh` at 90 %; `outside`: how many days lay outside their own band.
    """

    building: str
    from_day: date
    to_day: date
    days: int
    kwh: float
    band_kwh: float
    expected_kwh: float
    outside: int
    since: date | None
    ore: int | None

    @property
    def stands_out(self) -> bool:
        """Whether it used more than expected, and surely so."""
        return self.kwh > self.band_kwh


def deviation(
    building: str, curve: Curve, days: Sequence[Day], ore_per_kwh: float | None = None
) -> Deviation | None:
    """Return how far these days, in order of time, lie from what the curve expects; None without a day."""
    if not days:
        return None
    excess = [curve.excess_kwh(day) for day in days]
    kwh = fsum(excess)
    return Deviation(
        building=building,
        from_day=days[0].day,
        to_day=days[-1].day,
        days=len(days),
        kwh=kwh,
        band_kwh=curve.sum_band_kwh(days),
        expected_kwh=fsum(curve.expected_kwh(day.celsius, day.in_use) for day in days),
        outside=sum(curve.is_outlier(day) for day in days),
        since=above_since(curve, days),
        ore=round(kwh * ore_per_kwh) if ore_per_kwh is not None else None,
    )


def above_since(curve: Curve, days: Sequence[Day]) -> date | None:
    """Return since when every day has been above the band, up to the last; a day without data ends a run."""
    since: date | None = None
    for day in reversed(days):
        high = curve.excess_kwh(day) > curve.band_kwh(day.celsius, day.in_use)
        if not high or (since is not None and since - day.day > timedelta(days=1)):
            break
        since = day.day
    return since


def ranked(deviations: Sequence[Deviation]) -> list[Deviation]:
    """Return them by what deserves attention: what surely stands out first, then by money, then energy."""
    return sorted(deviations, key=lambda d: (not d.stands_out, -(d.ore or 0), -d.kwh))
