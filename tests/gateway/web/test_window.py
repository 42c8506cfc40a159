"""The window keeps what matters of a day in little memory."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.web.window import BUCKETS, Point, Window

points = st.lists(
    st.builds(Point, st.integers(0, 200_000), st.integers(-1000, 1000).map(float)), min_size=1, max_size=300
)


def filled(given_points: list[Point], span_s: int = 86_400) -> Window:
    window = Window(span_s)
    for point in given_points:
        window.add(point)
    return window


def test_few_points_all_stay_in_order() -> None:
    assert filled([Point(20, 2.0), Point(10, 1.0)]).points() == [Point(10, 1.0), Point(20, 2.0)]


def test_a_peak_of_one_second_is_never_lost() -> None:
    many = [Point(i, 500.0 if i == 5555 else float(i % 7)) for i in range(20_000)]
    window = filled(many)
    assert len(window) <= BUCKETS
    assert Point(5555, 500.0) in window.points()


def test_what_is_older_than_the_span_falls_out() -> None:
    window = filled([Point(0, 1.0), Point(100, 2.0), Point(150, 3.0)], span_s=100)
    assert [point.at_s for point in window.points()] == [100, 150]
    window.add(Point(20, 9.0))  # arrives late, and is too old
    assert [point.at_s for point in window.points()] == [100, 150]


@given(points)
def test_it_is_bounded_ordered_and_invents_nothing(some: list[Point]) -> None:
    window = filled(some)
    kept = window.points()
    assert len(window) <= BUCKETS
    assert set(kept) <= set(some)
    assert kept == sorted(kept, key=lambda point: point.at_s)
    newest = max(point.at_s for point in some)
    recent = [point.value for point in some if point.at_s > newest - 86_400]
    assert max(point.value for point in kept) == max(recent)
    assert min(point.value for point in kept) == min(recent)


@given(points)
def test_a_record_that_comes_twice_changes_nothing(some: list[Point]) -> None:
    assert filled(some + some).points() == filled(some).points() or len(some) > BUCKETS
