"""The medium's own formulas against what the maker publishes."""

import pytest

from hardware.virtual.radio.physics import airtime_s, path_loss_db, sensitivity_dbm, survives


def test_airtime_as_published() -> None:
    assert [round(airtime_s(24, sf) * 1000) for sf in range(7, 13)] == [62, 113, 206, 371, 823, 1483]
    assert round(airtime_s(51, 9) * 1000) == 329
    assert [round(airtime_s(222, sf) * 1000) for sf in (7, 9)] == [348, 1107]


@pytest.mark.parametrize(
    ("sf", "dbm"), [(7, -124), (12, -137)]
)  # SX1262 data sheet, table 3-8, 125 kHz, boosted gain
def test_sensitivity_as_published(sf: int, dbm: float) -> None:
    assert abs(sensitivity_dbm(sf) - dbm) <= 1


def test_twice_the_bandwidth_costs_3_db() -> None:
    assert sensitivity_dbm(9, 250) - sensitivity_dbm(9) == pytest.approx(3.01, abs=0.01)


def test_free_space() -> None:
    assert path_loss_db(1000, 2) == pytest.approx(91.2, abs=0.1)  # 20 log d + 20 log f - 27.55


def test_capture_and_quasi_orthogonality() -> None:
    assert survives(-100, 9, -106, 9)
    assert not survives(-100, 9, -105, 9)
    assert survives(-110, 9, -100, 7)
    assert not survives(-120, 9, -100, 7)
