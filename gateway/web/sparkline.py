"""A small chart without axes: the last day of a value as SVG paths. Pure.

It is drawn into a box of WIDTH × HEIGHT that the page stretches, in whole numbers. Gaps stay gaps; a
point with a gap on both sides is a dot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from gateway.web.window import Point

WIDTH = 480
HEIGHT = 96
_PAD = 6
_BUCKETS = 30  # a picture as small as this shows no more


@dataclass(frozen=True, slots=True)
class Sparkline:
    """`line` and `area` are SVG path data; `end` is where the newest point is; `limit_y` a limit's height.

    `low` and `high` are the least and greatest point drawn, in the value's own unit.
    """

    line: str
    area: str
    end: tuple[float, float]
    limit_y: float | None
    low: Point
    high: Point
    from_s: int
    to_s: int


def sparkline(
    points: Sequence[Point],
    *,
    to_s: int,
    gap_s: int,
    least: float,
    span_s: int = 86_400,
    zero: bool = False,
    limit: float | None = None,
) -> Sparkline | None:
    """Draw `points` up to `to_s`; None without any.

    The time axis is `span_s` long, or as long as there are points where that is less. `least` is the
    smallest range of values the height stands for, so that noise does not look like a flood; `zero`
    starts the height at 0; `limit` is drawn where it is near the values.
    """
    points = [point for point in points if to_s - span_s <= point.at_s <= to_s]
    if not points:
        return None
    from_s = max(to_s - span_s, points[0].at_s)
    low, high = min(points, key=lambda p: p.value), max(points, key=lambda p: p.value)
    bottom, top = low.value, high.value
    if zero:
        bottom, top = min(0.0, bottom), max(0.0, top)
    if limit is not None and bottom <= limit <= top + 1.0 * max(top - bottom, least):
        top = max(top, limit)
    else:
        limit = None
    if top - bottom < least:
        missing = least - (top - bottom)
        bottom, top = (bottom, top + missing) if zero else (bottom - missing / 2, top + missing / 2)

    def x(point: Point) -> int:
        return round(_PAD + (point.at_s - from_s) / max(1, to_s - from_s) * (WIDTH - 2 * _PAD))

    def y(value: float) -> int:
        return round(HEIGHT - _PAD - (value - bottom) / (top - bottom) * (HEIGHT - 2 * _PAD))

    width_s = max(1, (to_s - from_s) // _BUCKETS)
    lines = [_thinned(run, width_s) for run in runs(points, max(gap_s, (to_s - from_s) // 150))]
    line = " ".join(_line([(x(p), y(p.value)) for p in run]) for run in lines)
    floor = HEIGHT if not zero else y(max(0.0, bottom))
    area = " ".join(_area([(x(p), y(p.value)) for p in run], floor) for run in lines if len(run) > 1)
    newest = points[-1]
    end = (x(newest), y(newest.value))
    return Sparkline(line, area, end, y(limit) if limit is not None else None, low, high, from_s, to_s)


def runs(points: Sequence[Point], gap_s: int) -> list[list[Point]]:
    """Split `points` where two neighbours are further apart than `gap_s`."""
    found = [[points[0]]]
    for before, point in pairwise(points):
        if point.at_s - before.at_s > gap_s:
            found.append([])
        found[-1].append(point)
    return found


def _thinned(run: Sequence[Point], width_s: int) -> list[Point]:
    """Keep the first, the lowest, the highest and the last of every `width_s` seconds."""
    kept: list[Point] = []
    for _, group in groupby(run, key=lambda point: point.at_s // width_s):
        some = list(group)
        low, high = min(some, key=lambda p: p.value), max(some, key=lambda p: p.value)
        kept += sorted({some[0], low, high, some[-1]})
    return kept


def _line(corners: Sequence[tuple[float, float]]) -> str:
    if len(corners) == 1:  # drawn as a dot by the stroke's round ends
        return f"M{corners[0][0]:g} {corners[0][1]:g}h0"
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in corners)


def _area(corners: Sequence[tuple[float, float]], floor: float) -> str:
    return f"{_line(corners)}V{floor:g}H{corners[0][0]:g}Z"
