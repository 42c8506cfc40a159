"""A sparkline shows what is there and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.web.sparkline import HEIGHT, WIDTH, Sparkline, runs, sparkline
from gateway.web.window import Point


def drawn(points: list[Point], **more: object) -> Sparkline:
    settings: dict[str, object] = {"to_s": points[-1].at_s, "gap_s": 60, "least": 1.0}
    found = sparkline(points, **{**settings, **more})  # type: ignore[arg-type]
    assert found is not None
    return found


def test_nothing_is_not_drawn() -> None:
    assert sparkline([], to_s=0, gap_s=60, least=1) is None
    assert sparkline([Point(0, 1.0)], to_s=100_000, gap_s=60, least=1) is None


def test_a_gap_stays_a_gap() -> None:
    points = [Point(0, 1.0), Point(50, 2.0), Point(500, 3.0), Point(550, 2.0)]
    assert drawn(points).line.count("M") == 2


def test_a_lone_point_is_a_dot() -> None:
    assert drawn([Point(0, 1.0), Point(50, 2.0), Point(500, 3.0)]).line.endswith("h0")


def test_a_limit_is_drawn_when_the_values_come_near_it() -> None:
    points = [Point(0, 10.0), Point(50, 20.0)]
    near, far = drawn(points, limit=25.0), drawn(points, limit=400.0)
    assert near.limit_y is not None
    assert near.limit_y < near.end[1]  # y grows downwards
    assert far.limit_y is None


def test_noise_does_not_fill_the_height() -> None:
    found = drawn([Point(0, 10.0), Point(50, 10.1)], least=10.0)
    assert abs(found.end[1] - HEIGHT / 2) < 2


def test_power_starts_at_zero() -> None:
    found = drawn([Point(0, 50.0), Point(50, 100.0)], zero=True)
    assert found.end[1] < HEIGHT / 4
    assert drawn([Point(0, 50.0), Point(50, 50.0)], zero=True).end[1] < HEIGHT / 4


def test_the_extremes_are_named() -> None:
    found = drawn([Point(0, 5.0), Point(20, 1.0), Point(40, 9.0)])
    assert (found.low, found.high) == (Point(20, 1.0), Point(40, 9.0))


def test_runs_are_cut_at_gaps() -> None:
    points = [Point(0, 0.0), Point(60, 0.0), Point(121, 0.0)]
    assert [len(run) for run in runs(points, 60)] == [2, 1]


@given(st.lists(st.builds(Point, st.integers(0, 86_000), st.floats(-1e6, 1e6)), min_size=1, max_size=60))
def test_everything_lies_within_the_box(points: list[Point]) -> None:
    points.sort()
    found = drawn(points)
    numbers = found.line.replace("M", " ").replace("L", " ").replace("h0", " ").split()
    xs, ys = [float(n) for n in numbers[::2]], [float(n) for n in numbers[1::2]]
    assert all(0 <= x <= WIDTH for x in xs)
    assert all(0 <= y <= HEIGHT for y in ys)


def test_a_peak_among_many_points_stays() -> None:
    points = [Point(60 * i, 500.0 if i == 777 else float(i % 5)) for i in range(1440)]
    found = drawn(points, gap_s=180)
    assert found.line.count("L") < 130
    assert found.high.value == 500.0
    assert " 6L" in found.line  # the top of the box
