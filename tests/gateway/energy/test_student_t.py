import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.energy.student_t import incomplete_beta, t_quantile, within


@pytest.mark.parametrize(
    # Two-sided, from the table of percentage points in Abramowitz & Stegun, table 26.10.
    ("confidence", "degrees", "t"),
    [
        (0.9, 1, 6.314), (0.9, 10, 1.812), (0.9, 30, 1.697), (0.9, 120, 1.658), (0.95, 5, 2.571),
        (0.95, 60, 2.000), (0.99, 3, 5.841), (0.5, 2, 0.816), (0.998, 20, 3.552), (0.9, 1e6, 1.645),
    ],
)  # fmt: skip
def test_table(confidence: float, degrees: float, t: float) -> None:
    assert t_quantile(confidence, degrees) == pytest.approx(t, abs=6e-4)


def test_one_degree_is_cauchy_and_none_says_nothing() -> None:
    assert within(1.0, 1) == pytest.approx(0.5)
    assert t_quantile(0.9, 0) == float("inf")


def test_ends() -> None:
    assert (incomplete_beta(0, 2, 3), incomplete_beta(1, 2, 3)) == (0, 1)
    assert incomplete_beta(0.3, 1, 1) == pytest.approx(0.3)
    # I_x(2, 3) = 6x² - 8x³ + 3x⁴
    assert incomplete_beta(0.25, 2, 3) == pytest.approx(6 / 16 - 8 / 64 + 3 / 256)


@given(st.floats(0.01, 0.999), st.floats(1, 500))
def test_quantile_and_probability_are_inverse(confidence: float, degrees: float) -> None:
    assert within(t_quantile(confidence, degrees), degrees) == pytest.approx(confidence, abs=1e-9)
