"""How long a battery lasts: the model's span, a changed cell, and a voltage that falls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.battery import Days, Left, changed_s, left, trend_years
from gateway.web.places import places
from tests.gateway.web.made import NOW_S, SITE

PLACES = places(SITE)
SNOW, INTAKE, METER = PLACES[21], PLACES[11], PLACES[31]
DAY_S = 86_400


def steady(count: int, mv: float = 3600.0, step: float = 0.0) -> Days:
    return [(NOW_S - (count - i) * DAY_S, mv + i * step) for i in range(count)]


def test_a_new_cell_lasts_what_the_model_says() -> None:
    # 68.4 kC at 230 mC every ten minutes are 5.65 years; 60 % of it in steady cold.
    found = left(SNOW, 1, (), NOW_S)
    assert found is not None
    assert found.by == "model"
    assert found.high == pytest.approx(68.4e6 / 230 * 600 / (365.25 * DAY_S), rel=0.001)
    assert found.low == pytest.approx(0.6 * found.high, rel=0.001)


def test_two_loops_cost_more_and_each_record_costs() -> None:
    intake, snow = left(INTAKE, 1, (), NOW_S), left(SNOW, 1, (), NOW_S)
    assert intake
    assert snow
    assert intake.high < snow.high
    year = left(SNOW, 52_596, (), NOW_S)
    assert year
    assert snow.high - year.high == pytest.approx(1.0, abs=0.01)


def test_a_changed_cell_counts_from_its_day() -> None:
    days = [*steady(90, 3300)[:60], *steady(30, 3600)]
    assert changed_s(days) == NOW_S - 30 * DAY_S
    found = left(SNOW, 200_000, days, NOW_S)
    fresh = left(SNOW, 1, (), NOW_S)
    assert found
    assert fresh
    assert fresh.high - found.high == pytest.approx(30 / 365.25, abs=0.01)


def test_a_voltage_that_falls_decides_when_it_is_sooner() -> None:
    days = steady(60, 3500, -5.0)  # 3205 mV on the last day, 5 less a day, and 2900 is the end
    assert trend_years(days, 2900) == pytest.approx(61 / 365.25, rel=0.01)
    found = left(SNOW, 1000, days, NOW_S)
    assert found
    assert found.by == "trend"
    assert found.high == pytest.approx(61 / 365.25, rel=0.01)


def test_what_is_not_known_is_not_said() -> None:
    assert left(METER, 1000, (), NOW_S) is None  # no battery
    assert left(SNOW, 0, (), NOW_S) is None
    assert trend_years(steady(20, 3500, -5.0), 2900) is None  # too few days
    assert trend_years(steady(60), 2900) is None
    assert trend_years(steady(60, 3500, 1.0), 2900) is None
    assert changed_s(steady(60)) is None


@given(
    st.integers(1, 10**9),
    st.lists(st.floats(2000, 4000), max_size=80).map(
        lambda mv: [(NOW_S - (len(mv) - i) * DAY_S, v) for i, v in enumerate(mv)]
    ),
)
def test_a_span_is_a_span(measured: int, days: Days) -> None:
    found = left(SNOW, measured, days, NOW_S)
    assert isinstance(found, Left)
    assert 0 <= found.low <= found.high < 7
