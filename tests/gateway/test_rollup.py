"""Hours add up to days, of which two a year are not of 24."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Reading
from gateway.rollup import HOUR_S, Rollup, day_of, difference, of_readings, together
from wire.quantities import FAULT, FROZEN, OK

OSLO = ZoneInfo("Europe/Oslo")
VALUES = st.lists(st.lists(st.integers(-1000, 1000), max_size=6), max_size=6)


def reading(value: int | None, quality: int = OK, key: str = "depth_mm") -> Reading:
    return Reading(key, value, "mm", 1, quality)


def test_only_good_values_count() -> None:
    found = of_readings(
        [reading(5), reading(9, FROZEN), reading(700, FAULT), reading(None), reading(1, key="t")]
    )
    assert found == {"depth_mm": Rollup(2, 14, 5, 9), "t": Rollup(1, 1, 1, 1)}
    assert found["depth_mm"].mean == 7


@given(VALUES)
def test_parts_together_are_the_whole(hours: list[list[int]]) -> None:
    whole = of_readings([reading(v) for hour in hours for v in hour])
    assert together(of_readings([reading(v) for v in hour]) for hour in hours) == whole


def test_what_changed() -> None:
    before = {"a": Rollup(2, 10, 4, 6), "b": Rollup(1, 1, 1, 1), "gone": Rollup(1, 3, 3, 3)}
    after = {"a": Rollup(3, 17, 4, 7), "b": Rollup(1, 1, 1, 1)}
    assert difference(before, after) == {"a": (1, 7), "gone": (-1, -3)}


def hours_in_the_day_of(*date: int) -> float:
    noon = int(datetime(*date, 12, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]
    begins, ends = day_of(noon, OSLO)
    assert begins <= noon < ends
    assert day_of(begins, OSLO) == day_of(ends - 1, OSLO) == (begins, ends)
    return (ends - begins) / HOUR_S


def test_days_in_which_the_clocks_change() -> None:
    assert hours_in_the_day_of(2026, 3, 29) == 23
    assert hours_in_the_day_of(2026, 10, 25) == 25
    assert hours_in_the_day_of(2026, 7, 1) == 24
