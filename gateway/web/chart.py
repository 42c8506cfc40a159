"""A chart with axes: lines of one unit over one time axis, as coordinates. Pure.

Everything is in thousandths of the plot's width and height, x to the right and y downwards, so that the
page can stretch the plot while its texts keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

from gateway.web.sparkline import runs
from gateway.web.window import Point

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS_S = (
    10, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR, 6 * _HOUR,
    _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY,
)  # fmt: skip
_STEPS_MONTHS = (1, 2, 3, 6, 12)
_TICKS_MAX = 6
_BANDS_MAX_S = 45 * _DAY  # beyond, days are too narrow to be told apart


@dataclass(frozen=True, slots=True)
class Series:
    """One line: `points` in the unit shown."""

    key: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that is marked, with its name and how much it matters ("built": it is just there)."""

    value: float
    name: str
    priority: str = "warning"


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis. `at` is the value or the UTC second it stands for."""

    place: float
    at: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`lines` has the path of each series; `nights` the (from, width) of every second local day."""

    lines: tuple[tuple[str, str], ...]
    limits: tuple[tuple[float, Limit], ...]
    values: tuple[Tick, ...]
    times: tuple[Tick, ...]
    days: tuple[tuple[float, float], ...]
    decimals: int
    from_s: int
    to_s: int
    dates: bool  # whether the time axis shows days instead of hours


def chart(
    series: Sequence[Series],
    *,
    from_s: int,
    to_s: int,
    gap_s: int,
    least: float,
    zone: ZoneInfo,
    limits: Sequence[Limit] = (),
    zero: bool = False,
) -> Chart | None:
    """Draw `series` from `from_s` to `to_s`; None where there is nothing to draw.

    `least` is the smallest range of values the height stands for; `zero` starts the height at 0. A limit
    is drawn where it lies no further from the values than they span themselves.
    """
    shown = [Series(s.key, [point for point in s.points if from_s <= point.at_s <= to_s]) for s in series]
    values = [point.value for s in shown for point in s.points]
    if not values:
        return None
    low, high = min(values), max(values)
    if zero:
        low, high = min(0.0, low), max(0.0, high)
    reach = max(high - low, least)
    near = [limit for limit in limits if low - reach <= limit.value <= high + reach]
    low, high = min([low, *(x.value for x in near)]), max([high, *(x.value for x in near)])
    if high - low < least:
        middle = (low + high) / 2
        low, high = (low, low + least) if zero else (middle - least / 2, middle + least / 2)
    step = nice_step((high - low) / 4)
    bottom, top = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step

    def x(at_s: float) -> float:
        return round((at_s - from_s) / max(1, to_s - from_s) * 1000, 1)

    def y(value: float) -> float:
        return round((top - value) / (top - bottom) * 1000, 1)

    lines = tuple(
        (s.key, " ".join(_path([(x(p.at_s), y(p.value)) for p in run]) for run in runs(s.points, gap_s)))
        for s in shown
        if s.points
    )
    count = round((top - bottom) / step)
    ticks = time_ticks(from_s, to_s, zone)
    days = _days(from_s, to_s, zone)
    return Chart(
        lines,
        tuple((y(limit.value), limit) for limit in near),
        tuple(Tick(y(bottom + i * step), bottom + i * step) for i in range(count + 1)),
        tuple(Tick(x(at_s), at_s) for at_s in ticks),
        tuple((x(max(a, from_s)), round(x(min(b, to_s)) - x(max(a, from_s)), 1)) for a, b in days[1::2]),
        max(0, -floor(log10(step) + 1e-9)),
        from_s,
        to_s,
        len(ticks) > 1 and ticks[1] - ticks[0] >= _DAY - 2 * _HOUR,
    )


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `least`."""
    power = 10.0 ** floor(log10(least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - 1e-9))


def time_ticks(from_s: int, to_s: int, zone: ZoneInfo) -> list[int]:
    """Return at most six round local times between the two, in UTC seconds."""
    length_s = to_s - from_s
    step_s = next((step for step in _STEPS_S if length_s / step <= _TICKS_MAX), None)
    midnight = datetime.fromtimestamp(from_s, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if step_s is None:
        return _months(midnight, to_s)
    found = []
    if step_s >= _DAY:
        days = step_s // _DAY
        day = midnight + timedelta(days=1)
        while (at_s := int(day.timestamp())) <= to_s:
            found.append(at_s)
            day += timedelta(days=days)
        return found
    first_s = int(midnight.timestamp())
    at_s = first_s + ceil((from_s - first_s) / step_s) * step_s
    while at_s <= to_s:
        found.append(at_s)
        at_s += step_s
    return found


def _months(begin: datetime, to_s: int) -> list[int]:
    """Return at most six first days of months after `begin`, in UTC seconds."""
    length = (to_s - begin.timestamp()) / (30 * _DAY)
    step = next((months for months in _STEPS_MONTHS if length / months <= _TICKS_MAX), _STEPS_MONTHS[-1])
    found = []
    first = begin.replace(day=1)
    while first.timestamp() <= to_s:
        if first >= begin and (first.month - 1) % step == 0:
            found.append(int(first.timestamp()))
        first = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return found


def _days(from_s: int, to_s: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return the local days that the time axis touches; none where it is within two, or too long."""
    if not 2 * _DAY <= to_s - from_s <= _BANDS_MAX_S:
        return []
    day = datetime.fromtimestamp(from_s, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    while day.timestamp() < to_s:
        following = day + timedelta(days=1)
        found.append((int(day.timestamp()), int(following.timestamp())))
        day = following
    return found


def _path(corners: Sequence[tuple[float, float]]) -> str:
    if len(corners) == 1:
        return f"M{corners[0][0]:g} {corners[0][1]:g}h0"
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in corners)
