"""How residuals of one day hang together with those of others, and what that does to their sums."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import fsum

MEMORY_DAYS = 45


def autocorrelation(days: Sequence[date], residuals: Sequence[float]) -> float:
    """Return the correlation of the residuals of two days in a row, 0 to 0.95."""
    one = timedelta(days=1)
    both = pairwise(zip(days, residuals, strict=True))
    pairs = [(a, b) for (before, a), (after, b) in both if after - before == one]
    squares = fsum(r * r for r in residuals)
    if not pairs or not squares:
        return 0.0
    mean_square = squares / len(residuals)
    return min(0.95, max(0.0, fsum(a * b for a, b in pairs) / len(pairs) / mean_square))


def ar1_inflation(rho: float) -> float:
    """Return how many times larger the variance of a long sum is where neighbours are correlated: AR(1)."""
    return (1 + rho) / (1 - rho)


def long_run_inflation(days: Sequence[date], residuals: Sequence[float]) -> float:
    """Return the same from the residuals of up to MEMORY_DAYS apart, whatever their pattern.

    Real buildings remember longer than from one day to the next: a cold spell, a holiday, a broken valve.
    Bartlett's weights: Newey & West, Econometrica 55 (1987).
    """
    by_day = dict(zip((day.toordinal() for day in days), residuals, strict=True))
    mean_square = fsum(r * r for r in residuals) / len(residuals)
    if not mean_square:
        return 1.0
    inflation = 1.0
    for lag in range(1, MEMORY_DAYS + 1):
        products = [r * by_day[day + lag] for day, r in by_day.items() if day + lag in by_day]
        # Divided by all days, also where some are missing: a rare lag must not weigh more than it is known.
        inflation += 2 * (1 - lag / (MEMORY_DAYS + 1)) * fsum(products) / len(residuals) / mean_square
    return inflation


def sum_variance(m: int, rho: float) -> float:
    """Return the variance of the sum of m values of unit variance, neighbours correlated by ρ (AR(1))."""
    # Σᵢⱼ ρ^|i-j| in closed form.
    if rho == 0:
        return float(m)
    return m * (1 + rho) / (1 - rho) - 2 * rho * (1 - rho**m) / (1 - rho) ** 2
