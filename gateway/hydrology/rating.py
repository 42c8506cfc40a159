"""The rating curve of a cross-section: discharge from level, Q = C (h - h0)^b."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

GOLDEN = (math.sqrt(5) - 1) / 2
GAUGINGS_MIN = 4


class NoCurve(ValueError):
    """No curve can be fitted; the text says why."""


@dataclass(frozen=True, slots=True)
class Gauging:
    """One measurement: level and discharge, in any units; `sigma` is the discharge's standard uncertainty."""

    level: float
    discharge: float
    sigma: float | None = None


@dataclass(frozen=True, slots=True)
class Discharge:
    """`extrapolated` says that the level lies outside what was gauged: show it as such."""

    value: float
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class Rating:
    """Q = c (h - h0)^b, valid for the levels gauged.

    `error` is the residual standard error of ln Q: about the relative error of one discharge.
    """

    c: float
    h0: float
    b: float
    lowest: float
    highest: float
    error: float
    gaugings: int

    def discharge(self, level: float) -> Discharge:
        """Return the discharge at `level`, 0 at and below the cease-to-flow level h0."""
        value = self.c * (level - self.h0) ** self.b if level > self.h0 else 0.0
        return Discharge(value, not self.lowest <= level <= self.highest)


def fit(gaugings: Sequence[Gauging]) -> Rating:
    """Return the rating curve through `gaugings` by weighted least squares of ln Q on ln(h - h0).

    h0 is the offset below the lowest gauging with the smallest weighted sum of squares. Source: ISO 18320
    (2020), stage-discharge relationship of one segment, logarithmic method. Weights are (Q/sigma)², the
    inverse variance of ln Q; equal where a gauging has no sigma. Raises NoCurve.
    """
    points = [g for g in gaugings if g.discharge > 0]
    levels = [g.level for g in points]
    if len(points) < GAUGINGS_MIN:
        raise NoCurve(f"{len(points)} gaugings with flow: at least {GAUGINGS_MIN} are needed")
    lowest, highest = min(levels), max(levels)
    if highest <= lowest:
        raise NoCurve("all gaugings were made at one level: gauge at other levels too")
    weights = [(g.discharge / g.sigma) ** 2 if g.sigma else 1.0 for g in points]

    def line(h0: float) -> tuple[float, float, float]:
        xs = [math.log(level - h0) for level in levels]
        ys = [math.log(g.discharge) for g in points]
        return _line(xs, ys, weights)

    spread = highest - lowest
    # How far the offset lies below the lowest gauging: 0.1 % to 300 % of the range, logarithmically.
    depth = _minimum(lambda u: line(lowest - spread * math.exp(u))[2], math.log(1e-3), math.log(3.0))
    h0 = lowest - spread * math.exp(depth)
    intercept, b, squares = line(h0)
    if b <= 0:
        raise NoCurve("the discharge does not rise with the level: check the gaugings")
    # The weighted sum as an unweighted standard error: weights are only relative.
    error = math.sqrt(squares / sum(weights) * len(points) / max(1, len(points) - 3))
    return Rating(math.exp(intercept), h0, b, lowest, highest, error, len(points))


def _line(xs: Sequence[float], ys: Sequence[float], weights: Sequence[float]) -> tuple[float, float, float]:
    """Return intercept, slope and weighted sum of squared residuals."""
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    sxx = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    sxy = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True))
    slope = sxy / sxx
    intercept = y_mean - slope * x_mean
    squares = sum(w * (y - intercept - slope * x) ** 2 for w, x, y in zip(weights, xs, ys, strict=True))
    return intercept, slope, squares


def _minimum(of: Callable[[float], float], lo: float, hi: float) -> float:
    """Return where `of` is smallest: the best of a coarse grid, refined by golden-section search."""
    steps = 60
    grid = [lo + (hi - lo) * i / steps for i in range(steps + 1)]
    best = min(range(steps + 1), key=lambda i: of(grid[i]))
    a, d = grid[max(0, best - 1)], grid[min(steps, best + 1)]
    while d - a > 1e-9:
        b, c = d - GOLDEN * (d - a), a + GOLDEN * (d - a)
        if of(b) < of(c):
            d = c
        else:
            a = b
    return (a + d) / 2
