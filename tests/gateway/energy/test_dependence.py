from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest

from gateway.energy.dependence import autocorrelation, long_run_inflation, sum_variance
from gateway.energy.et_curve import fit
from tests.gateway.energy.buildings import building


def test_autocorrelation_looks_only_at_days_in_a_row() -> None:
    days = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 5), date(2024, 1, 6)]
    # Pairs (1, 1) and (-1, -1); across the gap the signs differ, which does not count.
    assert autocorrelation(days, [1.0, 1.0, -1.0, -1.0]) == 0.95
    assert autocorrelation(days, [1.0, -1.0, 1.0, -1.0]) == 0
    assert autocorrelation(days[:1], [1.0]) == 0
    assert autocorrelation(days, [0.0] * 4) == 0
    assert fit(building(2, 2000, 0.6)).rho == pytest.approx(0.6, abs=0.05)


def test_the_variance_of_a_sum_by_hand() -> None:
    # Three days: 3 + 2·(2ρ + ρ²)
    assert sum_variance(3, 0.5) == pytest.approx(3 + 2 * (2 * 0.5 + 0.25))
    assert sum_variance(7, 0.0) == 7
    assert sum_variance(1, 0.9) == pytest.approx(1)
    long = [sum_variance(m, 0.8) / m for m in (10, 100, 1000, 10_000)]
    assert all(a < b for a, b in pairwise(long))
    assert long[-1] == pytest.approx(1.8 / 0.2, rel=1e-3)


def test_memory_of_several_days_is_seen() -> None:
    """Blocks of ten days with one sign: a sum of n residuals varies like n/10 steps of 10."""
    random = Random(1)
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(2000)]
    blocks = [random.choice((-1.0, 1.0)) for _ in range(200)]
    inflation = long_run_inflation(days, [blocks[i // 10] for i in range(2000)])
    assert inflation == pytest.approx(10, rel=0.25)
    independent = [random.gauss(0, 1) for _ in days]
    assert long_run_inflation(days, independent) == pytest.approx(1, abs=0.5)
    assert long_run_inflation(days, [0.0] * 2000) == 1
    # Days that are missing bring no pairs.
    assert long_run_inflation(days[::60], blocks[:34]) == 1
