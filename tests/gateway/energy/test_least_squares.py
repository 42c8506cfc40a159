import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.energy.least_squares import Singular, least_squares


def test_a_line_by_hand() -> None:
    # Through (0, 1), (1, 3), (2, 4), (3, 4): slope 1, intercept 1.5, residuals -0.5, 0.5, 0.5, -0.5.
    fit = least_squares([(1.0, x) for x in (0.0, 1.0, 2.0, 3.0)], [1.0, 3.0, 4.0, 4.0])
    assert fit.coefficients == pytest.approx((1.5, 1.0))
    assert fit.residuals == pytest.approx((-0.5, 0.5, 0.5, -0.5))
    assert fit.squares == pytest.approx(1.0)
    assert fit.at((1.0, 10.0)) == pytest.approx(11.5)
    # 1/n + (x - mean)² / Sxx = 1/4 + 1.5² / 5
    assert fit.leverage((1.0, 3.0)) == pytest.approx(0.25 + 2.25 / 5)


def test_what_determines_nothing() -> None:
    with pytest.raises(Singular, match="follows from the others"):
        least_squares([(1.0, 2.0), (1.0, 2.0), (1.0, 2.0)], [1.0, 2.0, 3.0])
    with pytest.raises(Singular, match="zero throughout"):
        least_squares([(1.0, 0.0), (1.0, 0.0)], [1.0, 2.0])
    with pytest.raises(Singular, match="1 rows for 2 columns"):
        least_squares([(1.0, 2.0)], [1.0])
    with pytest.raises(Singular):
        least_squares([], [])


@given(
    st.tuples(*[st.floats(-1e4, 1e4)] * 3),
    st.lists(st.tuples(st.floats(-40, 30), st.floats(0, 1)), min_size=8, max_size=30),
)
def test_coefficients_come_back(truth: tuple[float, float, float], points: list[tuple[float, float]]) -> None:
    rows = [(1.0, x, y) for x, y in points]
    try:
        fit = least_squares(rows, [sum(c * v for c, v in zip(truth, row, strict=True)) for row in rows])
    except Singular:
        return
    assert max(map(abs, fit.residuals)) <= 1e-5 * (1 + max(map(abs, truth)))
