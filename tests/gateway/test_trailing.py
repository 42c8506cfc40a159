from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from gateway.trailing import Trailing

READINGS = st.lists(st.tuples(st.integers(0, 500), st.integers(-50, 50)), min_size=1, max_size=40)


@given(READINGS, st.integers(1, 200))
def test_it_is_the_readings_of_the_span_in_order_whatever_order_they_came_in(
    readings: list[tuple[int, int]], span_s: int
) -> None:
    window = Trailing(span_s)
    newest = 0
    for at_s, value in readings:
        window.add(at_s, value)
        newest = max(newest, at_s)
    kept = list(window)
    assert kept == sorted(kept)
    assert all(at_s >= newest - span_s for at_s, _ in kept)
    # Nothing inside the last span is forgotten.
    assert len(kept) >= sum(at_s >= newest - span_s for at_s, _ in readings)


def test_a_median_looks_back_only() -> None:
    window = Trailing(100)
    for at_s, value in ((0, 5.0), (10, 1.0), (20, 3.0), (30, 99.0)):
        window.add(at_s, value)
    assert window.median(20, 20) == median([1.0, 3.0])
    assert window.median(20, 21) == 3.0
    assert window.median(-1, 10) is None
    assert (window.first_s, window.last_s, len(window)) == (0, 30, 4)
