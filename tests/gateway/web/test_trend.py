"""A trend is told where there is one, and survives nonsense among its points."""

import random

import pytest

from gateway.web.trend import POINTS_MIN, trend
from gateway.web.window import Point


def line(per_s: float, count: int = 20, step_s: int = 60, noise: float = 0.0) -> list[Point]:
    dice = random.Random(1)
    return [Point(i * step_s, 100 + per_s * i * step_s + dice.gauss(0, noise)) for i in range(count)]


@pytest.mark.parametrize(("per_s", "direction"), [(0.01, 1), (-0.01, -1), (0.0, 0)])
def test_a_line_has_its_slope(per_s: float, direction: int) -> None:
    found = trend(line(per_s), 3600, least=1)
    assert found is not None
    assert found.direction == direction
    assert found.per_s == pytest.approx(per_s)


def test_a_quarter_of_nonsense_does_not_change_it() -> None:
    points = [Point(p.at_s, 9999.0) if i % 4 == 0 else p for i, p in enumerate(line(0.01, 40))]
    found = trend(points, 3600, least=1)
    assert found is not None
    assert found.per_s == pytest.approx(0.01, rel=0.5)


def test_noise_is_no_trend() -> None:
    found = trend(line(0.0, 20, noise=5.0), 3600, least=1)
    assert found is not None
    assert found.direction == 0


def test_a_change_too_small_to_matter_is_steady() -> None:
    found = trend(line(0.0005), 3600, least=10)
    assert found is not None
    assert found.direction == 0


def test_only_the_newest_count() -> None:
    points = line(0.01, 20) + [Point(1140 + i * 60, 111.4 - 0.6 * i) for i in range(1, 11)]
    found = trend(points, 600, least=1)
    assert found is not None
    assert found.direction == -1


def test_too_few_points_have_none() -> None:
    assert trend([], 3600, 1) is None
    assert trend(line(0.01, POINTS_MIN - 1), 3600, 1) is None


def test_many_points_are_thinned_not_refused() -> None:
    found = trend(line(0.01, 2000, step_s=1), 3600, least=1)
    assert found is not None
    assert found.per_s == pytest.approx(0.01, rel=0.05)
