from datetime import date, datetime

import pytest

from gateway.energy.figures import (
    InUse,
    base_load_w,
    duration_curve,
    heat_map,
    idle_share,
    peak,
    per_area,
)
from gateway.energy.hours import Hour
from tests.gateway.energy.series import OSLO, local, run


def test_kwh_per_square_metre() -> None:
    assert per_area(744_000_000, 6200) == 120


def test_base_load_is_the_load_nearly_all_hours_lie_above() -> None:
    # Of 80 hours the lowest 2.5 % are two: the second lowest counts, and one faulty zero does not set it.
    loads = [0, 40, *range(100, 178)]
    assert base_load_w(run(0, *loads)) == 40
    assert base_load_w(run(0, 5, 3)) == 3
    assert base_load_w(run(0, 5, 3, estimated=True)) is None


def test_idle_share() -> None:
    # Monday 5 January 2026, 24 hours of 100 Wh, in use from 6 to 22; Saturday all idle.
    assert idle_share(run(local("2026-01-05 00:00"), *[100] * 24), OSLO, InUse()) == pytest.approx(8 / 24)
    assert idle_share(run(local("2026-01-10 00:00"), *[100] * 24), OSLO, InUse()) == 1
    holiday = InUse(holidays=frozenset({date(2026, 1, 5)}))
    assert idle_share(run(local("2026-01-05 12:00"), 100), OSLO, holiday) == 1
    assert idle_share([], OSLO, InUse()) is None


def test_use_follows_the_clock_on_the_wall() -> None:
    # 04:30 UTC is half past six in summer.
    assert InUse().at(datetime.fromtimestamp(local("2026-07-01 06:30"), OSLO))
    assert not InUse().at(datetime.fromtimestamp(local("2026-07-01 22:00"), OSLO))


def test_an_estimate_is_no_peak() -> None:
    hours = [Hour(0, 5), Hour(3600, 9, True), Hour(7200, 7), Hour(10800, 7)]
    assert peak(hours) == Hour(7200, 7)
    assert peak([]) is None


def test_duration_curve() -> None:
    assert duration_curve(run(0, 3, 9, 5)) == [9, 5, 3]


def test_heat_map_of_a_normal_day() -> None:
    ((day, cells),) = heat_map(
        run(local("2026-01-05 00:00"), *range(24)), OSLO, date(2026, 1, 5), date(2026, 1, 6)
    )
    assert day == date(2026, 1, 5)
    assert [cell and cell.wh for cell in cells] == list(range(24))


def test_heat_map_when_the_clock_is_changed() -> None:
    ((_, spring),) = heat_map(
        run(local("2026-03-29 00:00"), *[10] * 23), OSLO, date(2026, 3, 29), date(2026, 3, 30)
    )
    assert [i for i, cell in enumerate(spring) if cell is None] == [2]
    ((_, autumn),) = heat_map(
        run(local("2026-10-25 00:00"), *range(0, 250, 10)), OSLO, date(2026, 10, 25), date(2026, 10, 26)
    )
    assert [cell and cell.wh for cell in autumn[:5]] == [0, 10, 25, 40, 50]
    assert autumn[23] is not None
    assert autumn[23].wh == 240


def test_gaps_stay_gaps() -> None:
    (_, (day, cells)) = heat_map(
        [Hour(local("2026-01-06 03:00"), 7, True)], OSLO, date(2026, 1, 5), date(2026, 1, 7)
    )
    assert day == date(2026, 1, 6)
    assert [cell for cell in cells if cell] == [Hour(local("2026-01-06 03:00"), 7, True)]
