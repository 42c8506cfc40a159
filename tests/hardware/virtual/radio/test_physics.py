"""The medium's own formulas against what the maker publishes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.virtual.radio.physics import airtime_s, busiest_hour_s, path_loss_db, sensitivity_dbm, survives


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


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 60)), max_size=12))
def test_no_hour_is_busier_than_the_busiest(gaps: list[tuple[int, int]]) -> None:
    sent: list[tuple[float, float]] = []
    end = 0
    for gap, airtime in gaps:
        sent.append((end + gap, airtime))
        end += gap + airtime
    assert all(one[0] + one[1] < other[0] for one, other in pairwise(sent))

    def within(begin: float) -> float:
        return sum(max(0.0, min(at + took, begin + 3600) - max(at, begin)) for at, took in sent)

    hours = [within(at + took - 3600) for at, took in sent] + [within(at) for at, _ in sent]
    assert busiest_hour_s(sent) == max(hours, default=0.0)
