"""What the page knows of each node: from the store at start, then from what is committed."""

from dataclasses import replace

from gateway.model import StoredRecord
from gateway.web.live import Live, NodeLive, Sample, value_at
from gateway.web.window import Point
from tests.gateway.web.made import (
    NOW_S,
    SITE,
    Shelf,
    broken_intake,
    building,
    intake,
    live,
    node,
    record,
    snow,
)
from wire.quantities import FAULT, OK


def test_filled_with_the_last_day_and_the_newest() -> None:
    found = node(intake(500, 480, NOW_S - 600), intake(520, 490, NOW_S), intake(100, 90, NOW_S - 200_000))
    assert found.points("up_level_mm") == [Point(NOW_S - 600, 500), Point(NOW_S, 520)]
    assert found.newest["up_level_mm"].value == 520
    assert found.newest["water_corrected_temp_cc"].value == 400
    assert found.last is not None
    assert found.last.measured_at_s == NOW_S


def test_of_a_node_silent_for_days_the_last_record() -> None:
    found = node(intake(500, 480, NOW_S - 900_000))
    assert found.newest["up_level_mm"].at_s == NOW_S - 900_000
    assert found.stale(NOW_S)


def test_a_node_never_heard_is_stale_and_empty() -> None:
    found = live().nodes[11]
    assert found.last is None
    assert found.stale(NOW_S)
    assert found.points("up_level_mm") == []


def taken(mine: NodeLive, record: StoredRecord) -> tuple[int | None, bool]:
    """Take a record in; return since when the node is on the shelf then, and whether it is stale."""
    mine.take(record, ())
    return mine.on_shelf_s, mine.stale(NOW_S)


def test_a_node_on_the_shelf_is_not_live_until_it_has_measured_again() -> None:
    found = live(intake(500, 480, NOW_S - 60))
    mine, since_s = found.nodes[11], NOW_S - 30
    found.shelve({11: since_s, 99: 7}, NOW_S)
    assert mine.on_shelf_s == since_s
    assert mine.stale(NOW_S)  # a minute after its last record
    assert found.nodes[12].on_shelf_s is None
    late, after = (intake(510, 480, at_s, commit=2) for at_s in (since_s - 1, since_s))
    assert taken(mine, late) == (since_s, True)  # came late, and was made before
    assert taken(mine, after) == (None, False)


def test_one_that_was_fetched_back_has_as_long_for_its_first_record_as_for_any() -> None:
    found = live(intake(500, 480, NOW_S - 9_000_000))
    mine, back_s = found.nodes[11], NOW_S + 50.0
    found.shelve({11: NOW_S - 8_999_000}, NOW_S)

    def shelved(since_s: dict[int, int], now_s: float) -> int | None:
        found.shelve(since_s, now_s)
        return mine.on_shelf_s

    for later_s in (0, 5, mine.place.stale_after_s):
        assert shelved({}, back_s + later_s) == NOW_S - 8_999_000, later_s
    assert shelved({}, back_s + mine.place.stale_after_s + 1) is None
    assert mine.stale(back_s)  # it should have reported
    assert shelved({11: NOW_S}, back_s) == NOW_S  # and back again
    assert shelved({}, back_s + 9000) == NOW_S  # its time begins anew
    mine.take(intake(510, 480, NOW_S + 9100, commit=2), ())
    assert shelved({}, back_s + 9200) is None


def test_follow_takes_what_is_new_and_tells_whose() -> None:
    shelf = Shelf([intake(500, 480, commit=1)])
    found = Live(SITE)
    found.fill(shelf, NOW_S)
    assert found.follow(shelf, NOW_S) == set()
    shelf.records += [snow(510, NOW_S + 5, commit=2), record(31, NOW_S + 6, [None] * 14, commit=3)]
    assert found.follow(shelf, NOW_S) == {21, 31}
    assert found.follow(shelf, NOW_S) == set()
    assert found.newest_at_s(NOW_S) == NOW_S + 6
    shelf.records.append(record(9999, NOW_S + 7, [1] * 4, commit=4, schema_id=2))
    assert found.follow(shelf, NOW_S) == set()  # a node of another site


def test_follow_takes_more_than_one_batch() -> None:
    shelf = Shelf(intake(500, 480, NOW_S + i, commit=i + 1) for i in range(4500))
    found = Live(SITE)
    assert found.follow(shelf, NOW_S + 4500) == {11}
    assert found.newest_at_s(NOW_S + 4500) == NOW_S + 4499


def test_what_a_clock_ahead_has_timed_is_not_live_and_gives_way_to_what_agrees_with_the_clock() -> None:
    shelf = Shelf([snow(500, NOW_S - 60, commit=1), snow(900, NOW_S + 7200, commit=2)])
    found = Live(SITE)
    found.fill(shelf, NOW_S)
    mine = found.nodes[21]
    assert mine.last is not None
    assert mine.last.commit == 1
    assert not mine.stale(NOW_S)

    shelf.records.append(snow(800, NOW_S + 40 * 86_400, commit=3))
    assert found.follow(shelf, NOW_S) == {21}
    assert mine.stale(NOW_S)
    assert found.newest_at_s(NOW_S) is None

    shelf.records.append(snow(510, NOW_S + 30, commit=4))
    assert found.follow(shelf, NOW_S + 30) == {21}
    assert mine.last.commit == 4
    assert not mine.stale(NOW_S + 30)
    assert [point.at_s for point in mine.points(mine.place.main)] == [NOW_S - 60, NOW_S + 30]
    assert mine.newest[mine.place.main] == Sample(NOW_S + 30, mine.points(mine.place.main)[-1].value, OK)
    assert found.newest_at_s(NOW_S + 30) == NOW_S + 30


def test_a_node_whose_only_record_is_of_a_time_to_come_has_no_live_value() -> None:
    found = Live(SITE)
    found.fill(Shelf([snow(900, NOW_S + 7200)]), NOW_S)
    assert found.nodes[21].stale(NOW_S)
    assert found.nodes[21].ahead(NOW_S)


def test_an_older_record_that_comes_late_does_not_become_the_newest() -> None:
    found = node(intake(500, 480, NOW_S), intake(900, 880, NOW_S - 1200))
    assert found.newest["up_level_mm"].value == 500
    assert Point(NOW_S - 1200, 900) in found.points("up_level_mm")


def test_what_was_not_measured_does_not_hide_what_was() -> None:
    found = node(building(80_000, NOW_S - 60, wh=1_000_000), building(81_000, NOW_S))
    assert found.newest["import_energy_wh"].at_s == NOW_S - 60
    assert found.newest["import_power_w"].value == 81_000


def test_a_fault_has_no_value_and_no_point() -> None:
    found = node(intake(500, 480, NOW_S - 600), broken_intake())
    assert (found.newest["up_level_mm"].value, found.newest["up_level_mm"].quality) == (None, FAULT)
    assert found.good("up_level_mm") is None
    assert [point.value for point in found.points("up_level_mm")] == [500]


def test_a_meters_factor_is_applied() -> None:
    assert node(building(2_000, node=32)).newest["import_power_w"].value == 60_000


def test_a_record_of_no_known_schema_has_only_its_time() -> None:
    found = node(record(11, NOW_S, [1, 2, 3], schema_id=199))
    assert found.last is not None
    assert found.newest == {}


def test_a_record_of_an_earlier_profile_is_read_as_that() -> None:
    found = live(replace(snow(500), node=11)).nodes[11]
    assert found.newest["distance_mm"].value == 3000


def test_the_value_at_a_time_is_the_median_of_the_last_three() -> None:
    points = [Point(0, 1.0), Point(10, 99.0), Point(20, 2.0), Point(500, 7.0)]
    assert value_at(points, 20, 60) == 2.0
    assert value_at(points, 30, 15) == 2.0
    assert value_at(points, 500, 60) == 7.0
    assert value_at(points, 300, 60) is None
