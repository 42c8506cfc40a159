"""What happened to a building's meters, as notes: whose they are, their order, and which want somebody."""

from datetime import UTC, datetime

from device_configs.building_schema import Building, Swap
from gateway.buildings import SWAP_NEAR_S
from gateway.model import RegisterEvent
from gateway.web.meter_notes import Step, meter_notes
from tests.gateway.web.energy_made import site

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
