from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway.energy.hours import Hour, added, between, measured, preferred, shared_out, total_wh
from tests.gateway.energy.series import run


def test_sum_of_meters() -> None:
    assert added([run(0, 1, 2, 3), [Hour(3600, 10), Hour(7200, 10, True)]]) == [
        Hour(3600, 12),
        Hour(7200, 13, True),
    ]
    assert added([]) == []
    assert total_wh(run(0, 1, 2, 3)) == 6


def test_a_settled_series_fills_and_is_filled() -> None:
    settled = [Hour(0, 5), Hour(3600, 6, True)]
    node = [Hour(0, 4), Hour(3600, 7), Hour(7200, 8, True)]
    assert preferred(settled, node) == [Hour(0, 5), Hour(3600, 7), Hour(7200, 8, True)]


def test_choosing() -> None:
    hours = [Hour(0, 1), Hour(3600, 2, True), Hour(7200, 3)]
    assert measured(hours) == [hours[0], hours[2]]
    assert between(hours, 3600, 7200) == [hours[1]]


@given(st.integers(0, 10**9), st.lists(st.fractions(0, 1000), min_size=1).filter(any))
def test_shares_add_up(wh: int, weights: list[Fraction]) -> None:
    parts = shared_out(wh, weights)
    assert sum(parts) == wh
    assert all(abs(part - wh * w / sum(weights)) <= 1 for part, w in zip(parts, weights, strict=True))
    assert min(parts) >= 0
