import csv
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hydrology.rating import Gauging, NoCurve, fit

DATA = Path(__file__).parents[2] / "data"


def gaugings(name: str, span: tuple[float, float] = (0, 1e9)) -> list[Gauging]:
    with (DATA / name).open(encoding="ascii", newline="") as file:
        rows = [
            Gauging(float(row["stage"]), float(row["q"]), float(row["q_sigma"]) if "q_sigma" in row else None)
            for row in csv.DictReader(file)
        ]
    return [g for g in rows if span[0] <= g.level <= span[1]]


@given(c=st.floats(0.1, 50), b=st.floats(1.2, 3.0), h0=st.floats(-1, 1), first=st.floats(0.05, 0.4))
@settings(max_examples=40)
def test_a_curve_is_found_again(c: float, b: float, h0: float, first: float) -> None:
    levels = [h0 + first + 0.2 * i for i in range(12)]
    rating = fit([Gauging(h, c * (h - h0) ** b) for h in levels])
    assert rating.error < 1e-3
    for level in levels:
        assert rating.discharge(level).value == pytest.approx(c * (level - h0) ** b, rel=5e-3)


def test_the_nordura_within_its_own_scatter() -> None:
    points = gaugings("rating_nordura.csv")
    rating = fit(points)
    assert rating.gaugings == len(points)
    assert 1.2 < rating.b < 4
    assert rating.h0 < 1.322
    assert rating.error < 0.15
    inside = [abs(math.log(rating.discharge(g.level).value / g.discharge)) for g in points]
    assert sum(x < 2 * rating.error for x in inside) / len(inside) > 0.9


def test_the_provo_with_its_uncertainties() -> None:
    rating = fit(gaugings("rating_provo_natural.csv", (2.2, 6.4)))  # the one segment below bankfull
    assert rating.error < 0.15
    assert rating.discharge(4.0).value == pytest.approx(500, rel=0.2)


def test_outside_of_what_was_gauged_it_says_so() -> None:
    rating = fit(gaugings("rating_nordura.csv"))
    assert not rating.discharge(2.0).extrapolated
    assert not rating.discharge(5.35).extrapolated
    assert rating.discharge(5.36).extrapolated
    assert rating.discharge(1.0).extrapolated
    assert rating.discharge(rating.h0 - 1).value == 0


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "0 gaugings with flow"),
        ([(1, 1), (2, 2), (3, 3), (4, 0)], "3 gaugings with flow"),
        ([(1, 1), (1, 2), (1, 3), (1, 4)], "at one level"),
        ([(1, 9), (2, 5), (3, 3), (4, 1)], "does not rise"),
    ],
)
def test_what_no_curve_goes_through(points: list[tuple[float, float]], message: str) -> None:
    with pytest.raises(NoCurve, match=message):
        fit([Gauging(*point) for point in points])
