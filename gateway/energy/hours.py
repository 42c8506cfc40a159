"""The hour, which everything about energy is reckoned from: settlement, tariffs and the pages use it.

A series is a list of hours in order of time. An hour nothing is known of is not in it: a gap is never zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Hour:
    """Energy of the hour that begins at `start_s` (UTC seconds, a multiple of 3600), in Wh.

    It is also the hour's mean power in W. `estimated` says that the energy, or its share of a longer time,
    was not measured.
    """

    start_s: int
    wh: int
    estimated: bool = False


Series = Sequence[Hour]


def total_wh(series: Iterable[Hour]) -> int:
    """Return the sum of the hours, in Wh."""
    return sum(hour.wh for hour in series)


def measured(series: Iterable[Hour]) -> list[Hour]:
    """Return the hours that were measured: the only ones that can set a peak."""
    return [hour for hour in series if not hour.estimated]


def between(series: Iterable[Hour], from_s: int, to_s: int) -> list[Hour]:
    """Return the hours that begin in from_s <= t < to_s."""
    return [hour for hour in series if from_s <= hour.start_s < to_s]


def added(parts: Sequence[Series]) -> list[Hour]:
    """Return the sum of several meters, hour by hour; an hour that one of them lacks is missing.

    One estimated part makes the sum estimated.
    """
    if not parts:
        return []
    by_start = [{hour.start_s: hour for hour in part} for part in parts]
    common = set(by_start[0]).intersection(*by_start[1:])
    return [
        Hour(start, sum(part[start].wh for part in by_start), any(part[start].estimated for part in by_start))
        for start in sorted(common)
    ]


def preferred(*series: Series) -> list[Hour]:
    """Return one series out of several of the same thing: measured before estimated, the earlier named first.

    So the settled series of the grid company, named first, fills what a node has missed, and is filled by it.
    """
    best: dict[int, Hour] = {}
    for one in series:
        for hour in one:
            held = best.get(hour.start_s)
            if held is None or (held.estimated and not hour.estimated):
                best[hour.start_s] = hour
    return [best[start] for start in sorted(best)]


def shared_out(wh: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Return `wh` in whole Wh in proportion to the weights (not all 0). The parts add up to it exactly."""
    whole = sum(weights)
    parts, before, reached = [], 0, Fraction(0)
    for weight in weights:
        reached += weight
        now = int(wh * reached / whole)
        parts.append(now - before)
        before = now
    return parts
