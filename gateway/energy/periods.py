"""Days, weeks, months and years as people count them: in local time, with days of 23 and 25 hours."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.energy.hours import HOUR_S, Hour

Kind = Literal["hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Total:
    """Energy of one period. `hours` of the `expected` are known, `estimated` of them by estimate."""

    label: str
    start_s: int
    end_s: int
    wh: int
    hours: int
    expected: int
    estimated: int

    @property
    def coverage(self) -> float:
        """Known hours as a share of all, 0 to 1."""
        return self.hours / self.expected if self.expected else 0.0

    @property
    def kwh(self) -> float:
        return self.wh / 1000


def local_day(at_s: int, zone: ZoneInfo) -> date:
    """Return the local date at a moment."""
    return datetime.fromtimestamp(at_s, zone).date()


def start_of(day: date, zone: ZoneInfo) -> int:
    """Return the UTC second at which a local day begins."""
    return int(datetime.combine(day, time(), zone).timestamp())


def hours_in(day: date, zone: ZoneInfo) -> int:
    """Return how many hours a local day has: 24, or 23 and 25 when the clock is changed."""
    return (start_of(day + timedelta(days=1), zone) - start_of(day, zone)) // HOUR_S


def first_day(day: date, kind: Kind) -> date:
    """Return the first day of the period a day lies in. Weeks begin on Monday (ISO 8601)."""
    if kind == "week":
        return day - timedelta(days=day.weekday())
    if kind == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if kind == "year" else day


def next_first(first: date, kind: Kind) -> date:
    """Return the first day of the period that follows the one beginning with `first`."""
    days = {"day": 1, "week": 7, "month": 32, "year": 367}[kind]
    return first_day(first + timedelta(days=days), kind)


def label_of(first: date, kind: Kind) -> str:
    """Return 2026-03-29, 2026-W13, 2026-03 or 2026."""
    if kind == "week":
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02}"
    return first.isoformat()[: {"day": 10, "month": 7, "year": 4}[kind]]


def totals(series: Iterable[Hour], kind: Kind, zone: ZoneInfo, from_day: date, to_day: date) -> list[Total]:
    """Return the periods of a kind from `from_day` on, up to but without `to_day`, cut at both ends.

    Each is there, also where nothing is known of it: its coverage says so.
    """
    if kind == "hour":
        return list(_hourly(series, start_of(from_day, zone), start_of(to_day, zone)))
    sums: dict[date, list[int]] = {}
    begin_s = end_s = 0  # of the day the hour before was in: hours mostly come in order
    sum_ = [0, 0, 0]
    for hour in series:
        if not begin_s <= hour.start_s < end_s:
            day = local_day(hour.start_s, zone)
            begin_s, end_s = start_of(day, zone), start_of(day + timedelta(days=1), zone)
            inside = from_day <= day < to_day
            sum_ = sums.setdefault(first_day(day, kind), [0, 0, 0]) if inside else [0, 0, 0]
        sum_[0] += hour.wh
        sum_[1] += 1
        sum_[2] += hour.estimated
    found = []
    first = first_day(from_day, kind)
    while first < to_day:
        following = next_first(first, kind)
        start, end = (start_of(d, zone) for d in (max(first, from_day), min(following, to_day)))
        wh, known, estimated = sums.get(first, (0, 0, 0))
        found.append(Total(label_of(first, kind), start, end, wh, known, (end - start) // HOUR_S, estimated))
        first = following
    return found


def _hourly(series: Iterable[Hour], from_s: int, to_s: int) -> Iterator[Total]:
    known = {hour.start_s: hour for hour in series}
    for start in range(from_s, to_s, HOUR_S):
        hour = known.get(start)
        label = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%MZ")
        wh, estimated = (hour.wh, hour.estimated) if hour else (0, False)
        yield Total(label, start, start + HOUR_S, wh, hour is not None, 1, estimated)
