"""A chart with axes: round ticks, local time, gaps, limits."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.chart import Chart, Limit, Series, chart, nice_step, time_ticks
from gateway.web.window import Point

OSLO = ZoneInfo("Europe/Oslo")
NOON = int(datetime(2026, 11, 18, 11, 0, tzinfo=UTC).timestamp())  # 12:00 in Oslo


def drawn(points: list[Point], **more: object) -> Chart:
    given = {"from_s": NOON - 86_400, "to_s": NOON, "gap_s": 3600, "least": 10.0, "zone": OSLO, **more}
    found = chart([Series("a", points)], **given)  # type: ignore[arg-type]
    assert found is not None
    return found


HOURS = [Point(NOON - 86_400 + 1800 * i, 50.0 + i) for i in range(49)]


def test_nothing_to_draw() -> None:
    assert chart([Series("a", [])], from_s=0, to_s=9, gap_s=1, least=1, zone=OSLO) is None
    assert chart([Series("a", [Point(99, 1.0)])], from_s=0, to_s=9, gap_s=1, least=1, zone=OSLO) is None


def test_a_line_from_edge_to_edge() -> None:
    found = drawn(HOURS)
    (key, path), *_ = found.lines
    assert key == "a"
    assert path.startswith("M0 ")
    assert path.rpartition("L")[2].startswith("1000 ")


def test_values_lie_on_round_ticks_that_enclose_them() -> None:
    ticks = [tick.at for tick in drawn(HOURS).values]
    assert ticks == [40.0, 60.0, 80.0, 100.0]
    assert drawn(HOURS).decimals == 0


def test_hours_are_local() -> None:
    clocks = [datetime.fromtimestamp(t.at, OSLO).strftime("%H:%M") for t in drawn(HOURS).times]
    assert clocks == ["12:00", "18:00", "00:00", "06:00", "12:00"]
    assert not drawn(HOURS).dates


def test_days_are_local_over_the_change_to_summer_time() -> None:
    start = int(datetime(2026, 3, 26, tzinfo=OSLO).timestamp())
    ticks = time_ticks(start, start + 5 * 86_400, OSLO)
    assert [datetime.fromtimestamp(t, OSLO).hour for t in ticks] == [0] * len(ticks)
    week = drawn([Point(NOON - 600_000, 1.0), Point(NOON, 2.0)], from_s=NOON - 604_800)
    assert week.dates
    assert week.days


def test_a_gap_is_a_gap() -> None:
    assert drawn([*HOURS[:10], *HOURS[20:]]).lines[0][1].count("M") == 2
    assert drawn([HOURS[0], HOURS[20]]).lines[0][1].count("h0") == 2


def test_a_limit_near_the_values_is_drawn_and_a_far_one_is_not() -> None:
    near, far = Limit(110.0, "near"), Limit(9000.0, "far")
    found = drawn(HOURS, limits=[near, far])
    assert [limit.name for _, limit in found.limits] == ["near"]
    assert max(tick.at for tick in found.values) >= 110


def test_zero_is_the_floor_of_power() -> None:
    assert drawn(HOURS, zero=True).values[0].at == 0.0


def test_a_steady_value_is_not_blown_up() -> None:
    found = drawn([Point(NOON - 60 * i, 5.0) for i in range(9, -1, -1)])
    assert found.values[-1].at - found.values[0].at >= 10


def test_several_lines_share_the_axes() -> None:
    one, two = Series("a", HOURS), Series("b", [Point(p.at_s, -p.value) for p in HOURS])
    found = chart([one, two], from_s=NOON - 86_400, to_s=NOON, gap_s=3600, least=1, zone=OSLO)
    assert found is not None
    assert [key for key, _ in found.lines] == ["a", "b"]
    assert found.values[0].at <= -98


@pytest.mark.parametrize(("least", "step"), [(0.03, 0.05), (1, 1), (1.1, 2), (4, 5), (51, 100)])
def test_nice_steps(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


@given(st.integers(0, 2_000_000_000), st.integers(60, 31 * 86_400))
def test_time_ticks_are_few_in_order_and_inside(from_s: int, length_s: int) -> None:
    ticks = time_ticks(from_s, from_s + length_s, OSLO)
    assert len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert all(from_s <= t <= from_s + length_s for t in ticks)


@given(
    st.lists(
        st.builds(Point, st.integers(NOON - 86_400, NOON), st.floats(-1e6, 1e6)), min_size=1, max_size=40
    ),
    st.floats(-1e6, 1e6),
)
def test_everything_is_inside_the_plot(points: list[Point], limit: float) -> None:
    found = drawn(sorted(points), limits=[Limit(limit, "x")])
    numbers = " ".join(path for _, path in found.lines)
    numbers = numbers.replace("M", " ").replace("L", " ").replace("h0", " ")
    assert all(-0.2 <= float(n) <= 1000.2 for n in numbers.split())
    assert all(-0.2 <= place <= 1000.2 for place, _ in found.limits)


def test_a_long_time_is_told_by_months_and_has_no_bands() -> None:
    day = 86_400
    ticks = time_ticks(1_764_543_600, 1_764_543_600 + 365 * day, OSLO)  # from 2025-12-01 local
    assert [datetime.fromtimestamp(at_s, OSLO).month for at_s in ticks] == [1, 4, 7, 10]
    assert all(datetime.fromtimestamp(at_s, OSLO).day == 1 for at_s in ticks)
    line = [Point(1_764_543_600 + i * day, i % 7) for i in range(90)]
    drawn = chart(
        [Series("a", line)], from_s=line[0].at_s, to_s=line[-1].at_s, gap_s=2 * day, least=1, zone=OSLO
    )
    assert drawn
    assert drawn.days == ()
    assert drawn.dates
