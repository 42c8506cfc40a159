"""Which stretch of time is shown, and the points in it."""

from zoneinfo import ZoneInfo

import pytest

from gateway.rollup import Rollup
from gateway.web.history import (
    HOURLY_S,
    LONGEST_S,
    RANGES,
    Past,
    Stretch,
    beside,
    gap_s,
    points,
    ranges,
    season_began_s,
    stretch,
)
from gateway.web.places import places
from gateway.web.window import Point
from tests.gateway.web.made import NOW_S, SITE, building, intake, live

OSLO = ZoneInfo("Europe/Oslo")
INTAKE, SNOW, METER = (places(SITE)[node] for node in (11, 21, 31))
DAY_S = 86_400


def test_snow_has_a_season_and_all_else_a_year() -> None:
    assert ranges(SNOW) == ("24h", "7d", "30d", "season")
    assert ranges(INTAKE)[-1] == "year"
    assert stretch({"range": "year"}, INTAKE, NOW_S, OSLO).length_s == 365 * DAY_S
    assert stretch({"range": "season"}, SNOW, NOW_S, OSLO).from_s == season_began_s(NOW_S, OSLO)
    assert stretch({"range": "season"}, INTAKE, NOW_S, OSLO).name == "24h"


@pytest.mark.parametrize(
    ("day", "began"),
    [
        (1_788_213_599, 1_756_677_600),  # 2026-08-31 23:59:59 local: the season of 2025
        (1_788_213_600, 1_788_213_600),  # a second later the new one
    ],
)
def test_a_season_begins_on_the_first_of_september_local(day: int, began: int) -> None:
    assert season_began_s(day, OSLO) == began


def test_its_ends_may_be_asked_for() -> None:
    asked = {"from": str(NOW_S - 7200), "to": str(NOW_S - 3600), "range": "7d"}
    found = stretch(asked, INTAKE, NOW_S, OSLO)
    assert found == Stretch("", NOW_S - 7200, NOW_S - 3600)
    assert found.query == {"range": None, "from": asked["from"], "to": asked["to"]}
    assert Stretch("7d", 0, 1).query == {"range": "7d", "from": None, "to": None}


@pytest.mark.parametrize(
    ("from_s", "to_s"),
    [
        ("x", "y"),
        ("1", ""),
        (str(NOW_S), str(NOW_S - 1)),
        (str(NOW_S - 59), str(NOW_S)),
        ("0", str(LONGEST_S + 1)),
        (str(NOW_S), str(NOW_S + 2 * DAY_S)),
        ("-5", "3600"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_ends_that_cannot_be_are_as_good_as_none(from_s: str, to_s: str) -> None:
    assert stretch({"from": from_s, "to": to_s}, INTAKE, NOW_S, OSLO).name == "24h"


def test_one_can_go_on_from_each_stretch_but_not_beyond_now() -> None:
    day = Stretch("24h", NOW_S - DAY_S, NOW_S)
    to = beside(day, NOW_S)
    assert to["later"] is None
    assert to["earlier"] == Stretch("", day.from_s - DAY_S // 2, day.to_s - DAY_S // 2)
    assert to["nearer"] == Stretch("", NOW_S - 3 * DAY_S // 4, NOW_S - DAY_S // 4)
    assert to["wider"] == Stretch("", NOW_S - 2 * DAY_S, NOW_S)
    assert to["earlier"] is not None
    assert beside(to["earlier"], NOW_S)["later"] == Stretch("", day.from_s, day.to_s)
    assert beside(Stretch("", 0, 60), NOW_S)["nearer"] is None
    assert beside(Stretch("", 0, LONGEST_S), LONGEST_S)["wider"] is None


@pytest.mark.parametrize("length_s", [60, 3600, 86_400, LONGEST_S])
def test_wherever_one_goes_it_can_be_shown(length_s: int) -> None:
    for ago_s in (0, 1000, DAY_S):
        for found in beside(Stretch("", NOW_S - ago_s - length_s, NOW_S - ago_s), NOW_S).values():
            if found is not None:
                asked = {"from": str(found.from_s), "to": str(found.to_s)}
                assert stretch(asked, INTAKE, NOW_S, OSLO) == found


def test_points_are_in_the_unit_shown_and_times_the_meters_factor() -> None:
    found, record = live(), building(80_000)
    past = Past(
        Stretch("24h", NOW_S - DAY_S, NOW_S), [(record, found.readings(found.nodes[31].place, record))]
    )
    found_points = points(METER, ["import_power_w"], past)["import_power_w"]
    assert found_points == [Point(NOW_S, round(80 * METER.factor, 9))]


def test_of_an_hour_both_extremes_are_drawn() -> None:
    start_s = NOW_S // 3600 * 3600 - 7200
    hours = [(start_s, {"up_level_mm": Rollup(6, 3000, 410, 705), "no_such_key": Rollup(1, 1, 1, 1)})]
    past = Past(Stretch("30d", NOW_S - RANGES["30d"], NOW_S), (), hours)
    assert past.first_s == start_s
    assert past.stretch.length_s >= HOURLY_S
    found = points(INTAKE, ["up_level_mm"], past)["up_level_mm"]
    assert [point.value for point in found] == [41.0, 70.5]
    assert all(start_s < point.at_s < start_s + 3600 for point in found)


def test_hours_that_follow_each_other_have_no_gap_between_them() -> None:
    stretched = Stretch("30d", NOW_S - RANGES["30d"], NOW_S)
    assert gap_s(INTAKE, Past(stretched, (), [(0, {})]), 0) > 3600
    assert gap_s(INTAKE, Past(stretched, ()), 0) == INTAKE.gap_s


def test_nothing_is_known_of_nothing() -> None:
    assert Past(Stretch("24h", 0, DAY_S), ()).first_s is None
    assert Past(Stretch("24h", 0, DAY_S), [(intake(500, 400), ())]).first_s == NOW_S
