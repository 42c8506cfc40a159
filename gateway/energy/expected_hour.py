"""What a building should use in an hour: its day by the ET curve, spread as its days usually are. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.energy.et_curve import Curve, Day
from gateway.energy.figures import InUse
from gateway.energy.hours import Hour

SHAPE_DAYS = 42  # so many of the last days tell how a day is spread over its hours
SHAPE_LEAST = 4  # of each sort, so that one odd day is not the rule


@dataclass(frozen=True, slots=True)
class ExpectedHours:
    """Power (W) to expect by hour of the day, as (low, high), for days in use and idle ones.

    `celsius` is the temperature it is for: the mean of `day`, the last one that is known.
    """

    by_use: Mapping[bool, Mapping[int, tuple[int, int]]]
    celsius: float
    day: date
    zone: ZoneInfo
    in_use: InUse

    def at(self, at_s: float) -> tuple[int, int] | None:
        """Return what to expect in the hour of a UTC time; None where such days are not known."""
        local = datetime.fromtimestamp(at_s, self.zone)
        return self.by_use.get(self.in_use.on(local.date()), {}).get(local.hour)


def expected_hours(
    curve: Curve, days: Sequence[Day], hours: Sequence[Hour], zone: ZoneInfo, in_use: InUse
) -> ExpectedHours | None:
    """Return the expectation for the temperature of the last day; None without days.

    The band is that of a whole day, 90 %, in the hour's share of it: an hour alone varies more than that.
    """
    if not days:
        return None
    last = days[-1]
    by_use = {}
    for used in (True, False):
        shape = _shape([day for day in days if day.in_use == used][-SHAPE_DAYS:], hours, zone)
        middle, band = curve.expected_kwh(last.celsius, used), curve.band_kwh(last.celsius, used)
        by_use[used] = {
            hour: (max(0, round(1000 * share * (middle - band))), round(1000 * share * (middle + band)))
            for hour, share in shape.items()
        }
    return ExpectedHours(by_use, last.celsius, last.day, zone, in_use)


def _shape(days: Sequence[Day], hours: Sequence[Hour], zone: ZoneInfo) -> dict[int, float]:
    """Return each hour's share of the energy of these days, by local hour."""
    wanted = {day.day: day.kwh for day in days if day.kwh > 0}
    if len(wanted) < SHAPE_LEAST:
        return {}
    shares: defaultdict[int, list[float]] = defaultdict(list)
    for hour in hours:
        local = datetime.fromtimestamp(hour.start_s, zone)
        if (kwh := wanted.get(local.date())) is not None:
            shares[local.hour].append(hour.wh / 1000 / kwh)
    return {hour: sum(found) / len(found) for hour, found in shares.items()}
