"""How long a battery will last: what the model says is left of its charge, and what its voltage does. Pure.

The model is one Li-SOCl2 D cell (19 Ah) of which all can be used at 20 °C and 60 % at -20 °C. It has not been
measured on a bench yet, so the answer is a span, not a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from gateway.web.places import Place

CELL_MC = 68.4e6
COLD_SHARE = 0.6
SLEEP_MA = 0.03
# mC of one waking, without the sleep: boot, sensors, computing, radio.
_WAKING_MC = {"intake": 447.0, "snow": 212.0, "rain": 120.0, "other": 150.0}
_YEAR_S, _DAY_S = 365.25 * 86_400, 86_400
_CHANGED_MV = 150  # a rise of the daily mean by so much means another cell
_TREND_DAYS, _TREND_LEAST_DAYS = 60, 21
_FLAT_MV_PER_DAY = 0.2  # less than the noise of temperature and load

Days = Sequence[tuple[int, float]]  # when each local day began, and the battery's mean voltage (mV) in it


@dataclass(frozen=True, slots=True)
class Left:
    """Years until it is empty, from `low` in steady cold to `high` in steady warmth, and what says so."""

    low: float
    high: float
    by: Literal["model", "trend"]


def left(place: Place, measured: int, days: Days, now_s: float) -> Left | None:
    """Return how long the battery of a place will last; None for a mains node or where nothing is known.

    `measured` is how many records its node has ever made. A cell that was changed counts from then.
    """
    limits = place.node.profile.battery
    if limits is None or not measured:
        return None
    interval_s = place.node.interval_s  # the site's: demonstrations wake more often than any battery stands
    cycles: float = measured
    since_s = changed_s(days)
    if since_s is not None:
        cycles = min(cycles, (now_s - since_s) / interval_s)
    a_cycle = _WAKING_MC.get(place.kind, _WAKING_MC["other"]) + SLEEP_MA * interval_s
    low, high = (
        max(0.0, share * CELL_MC / a_cycle - cycles) * interval_s / _YEAR_S for share in (COLD_SHARE, 1.0)
    )
    falling = trend_years(days, limits.stop_mv)
    if falling is not None and falling < high:
        return Left(min(low, falling), falling, "trend")
    return Left(low, high, "model")


def changed_s(days: Days) -> int | None:
    """Return when the cell was last changed: its voltage rose more than weather makes it. None: never."""
    rises = [day[0] for before, day in pairwise(days) if day[1] - before[1] > _CHANGED_MV]
    return rises[-1] if rises else None


def trend_years(days: Days, stop_mv: float) -> float | None:
    """Return in how many years the voltage is at `stop_mv`; None where it does not clearly fall."""
    since_s = changed_s(days)
    kept = [(at_s / _DAY_S, mv) for at_s, mv in days if since_s is None or at_s >= since_s][-_TREND_DAYS:]
    if len(kept) < _TREND_LEAST_DAYS:
        return None
    middle = sum(at for at, _ in kept) / len(kept)
    mean = sum(mv for _, mv in kept) / len(kept)
    spread = sum((at - middle) ** 2 for at, _ in kept)
    slope = sum((at - middle) * (mv - mean) for at, mv in kept) / spread  # mV a day
    if slope > -_FLAT_MV_PER_DAY:
        return None
    now_mv = mean + slope * (kept[-1][0] - middle)
    return max(0.0, (now_mv - stop_mv) / -slope) * _DAY_S / _YEAR_S
