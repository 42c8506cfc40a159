"""What happened to a building's meters, as notes: whose they are, their order, and which want somebody."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_configs.building_schema import Building, Swap
from gateway.buildings import SWAP_NEAR_S
from gateway.model import RegisterEvent
from gateway.web.meter_notes import Mark, Step, by_hour, by_month, marks, meter_notes
from tests.gateway.web.energy_made import site

OSLO = ZoneInfo("Europe/Oslo")
SITE = site()
(HALL,) = [building for building in SITE.buildings if building.id == "radhuset"]
NODE = HALL.meters[0].node
AT_S = 1_765_000_000


def event(kind: str, at_s: int = AT_S, node: int = NODE, channel: int = 2) -> RegisterEvent:
    return RegisterEvent(node, 1, at_s, at_s, kind, b"\1", b"\2", ((channel, 5_000_000, 40),), at_s * 1000)


def with_swap(at_s: int) -> Building:
    """The town hall, whose file tells of a swap."""
    swap = Swap(at=datetime.fromtimestamp(at_s, UTC), meter_factor=40.0, source="the fitter's note")
    return HALL.model_copy(update={"meters": (HALL.meters[0].model_copy(update={"swaps": (swap,)}),)})


def test_only_the_buildings_own_meters_are_told_of_the_newest_first() -> None:
    other = next(b.meters[0].node for b in SITE.buildings if b is not HALL)
    events = [event("reset", AT_S), event("swap", AT_S + 7), event("reset", AT_S + 9, node=other)]
    notes = meter_notes(HALL, SITE.nodes, events)
    assert [(note.at_s, note.kind) for note in notes] == [(AT_S + 7, "swap"), (AT_S, "reset")]
    assert notes[0].node.id == NODE
    assert notes[0].steps == (Step("import_energy_wh", 5_000_000, 40),)


def test_a_swap_is_told_of_if_the_file_has_one_within_three_days() -> None:
    for distance_s, told in ((0, True), (-SWAP_NEAR_S, True), (SWAP_NEAR_S + 1, False)):
        (note,) = meter_notes(with_swap(AT_S + distance_s), SITE.nodes, [event("swap")])
        assert (note.told, note.wants_answer) == (told, not told)
    (note,) = meter_notes(with_swap(AT_S), SITE.nodes, [event("reset")])
    assert not note.told


def test_only_what_may_have_changed_the_factor_wants_somebody() -> None:
    wanted = {kind: meter_notes(HALL, SITE.nodes, [event(kind)])[0].wants_answer for kind in
              ("reset", "rollover", "swap", "jump")}  # fmt: skip
    assert wanted == {"reset": False, "rollover": False, "swap": True, "jump": True}


def test_a_channel_that_the_profile_no_longer_has_is_told_by_its_number() -> None:
    (note,) = meter_notes(HALL, SITE.nodes, [event("reset", channel=30)])
    assert note.steps[0].key == "30"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=OSLO).timestamp())


def test_a_month_and_an_hour_are_those_on_the_wall_and_of_the_clock() -> None:
    moments = [at("2025-12-01 00:30"), at("2025-11-30 23:59"), at("2025-11-30 23:01")]
    notes = meter_notes(HALL, SITE.nodes, [event("reset", at_s) for at_s in moments])
    months = by_month(notes, OSLO)
    assert {month: [n.at_s for n in found] for month, found in months.items()} == {
        "2025-11": [moments[2], moments[1]],
        "2025-12": [moments[0]],
    }
    assert {hour: len(found) for hour, found in by_hour(notes).items()} == {
        at("2025-12-01 00:00"): 1,
        at("2025-11-30 23:00"): 2,
    }


def test_notes_are_marked_at_their_day_and_hour_and_counted_through_the_month() -> None:
    events = [
        event("swap", at("2025-12-31 23:10")),
        event("reset", at("2025-12-01 00:10")),
        event("rollover", at("2025-12-15 12:40")),
        event("jump", at("2025-12-15 12:05")),
    ]
    month = by_month(meter_notes(HALL, SITE.nodes, events), OSLO)["2025-12"]
    assert marks(month, OSLO, 31) == [
        Mark(1.61, 2.08, "1", False),
        Mark(46.77, 52.08, "2, 3", True),
        Mark(98.39, 97.92, "4", True),
    ]
    assert marks((), OSLO, 31) == []
