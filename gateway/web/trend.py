"""Whether a value rises or falls, and how fast. Pure.

The slope is the median of the slopes between all pairs of points (Theil 1950, Sen 1968): up to 29 % of the
points may be nonsense without changing it much, which a least-squares line does not survive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from gateway.web.window import Point

POINTS_MIN = 4
_POINTS_MAX = 40  # 780 pairs
_QUIET = 1.0  # a change smaller than this many times the scatter about the line is no trend


@dataclass(frozen=True, slots=True)
class Trend:
    """`per_s` is the slope in the value's unit per second, `direction` -1, 0 or 1, over `span_s`."""

    per_s: float
    direction: int
    span_s: int


def trend(points: Sequence[Point], window_s: int, least: float) -> Trend | None:
    """Return the trend over the newest `window_s` seconds of `points`; None where they are too few.

    A change over the window of less than `least`, or one that drowns in the scatter, counts as steady.
    """
    if not points:
        return None
    end_s = points[-1].at_s
    recent: Sequence[Point] = [point for point in points if point.at_s > end_s - window_s]
    if len(recent) < POINTS_MIN:
        return None
    recent = _thinned(recent)
    slopes = [
        (b.value - a.value) / (b.at_s - a.at_s)
        for i, a in enumerate(recent)
        for b in recent[i + 1 :]
        if b.at_s > a.at_s
    ]
    span_s = recent[-1].at_s - recent[0].at_s
    per_s = median(slopes)
    level = median(point.value - per_s * point.at_s for point in recent)
    scatter = 1.4826 * median(abs(point.value - per_s * point.at_s - level) for point in recent)
    change = per_s * span_s
    if abs(change) < max(least, _QUIET * scatter) or change == 0:
        return Trend(per_s, 0, span_s)
    return Trend(per_s, 1 if change > 0 else -1, span_s)


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return at most _POINTS_MAX of `points`: medians of neighbours."""
    size = -(-len(points) // _POINTS_MAX)
    if size == 1:
        return points
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [Point(g[len(g) // 2].at_s, median(point.value for point in g)) for g in groups]
