import pytest

from gateway.hydrology.grate import CleanGrate, fit_clean
from gateway.hydrology.rating import Rating

RATING = Rating(c=1e-5, h0=0.0, b=1.5, lowest=100, highest=1000, error=0.05, gaugings=9)


def test_the_loss_of_a_clean_grate_is_found_again() -> None:
    clean = CleanGrate(RATING, k=1000.0, offset_mm=5.0)
    pairs = [(down + clean.expected_mm(down), down) for down in (100.0, 200.0, 400.0, 700.0)]
    found = fit_clean(pairs, RATING)
    assert found.k == pytest.approx(1000)
    assert found.offset_mm == pytest.approx(5)
    assert found.residual_mm(*pairs[2]) == pytest.approx(0, abs=1e-9)
    assert found.residual_mm(pairs[2][0] + 80, pairs[2][1]) == pytest.approx(80)


def test_without_a_curve_the_difference_itself_counts() -> None:
    assert CleanGrate().residual_mm(300, 250) == 50
    assert CleanGrate(offset_mm=20).residual_mm(300, 250) == 30


def test_one_discharge_makes_no_curve() -> None:
    with pytest.raises(ValueError, match="two different discharges"):
        fit_clean([(210, 200), (215, 200)], RATING)
