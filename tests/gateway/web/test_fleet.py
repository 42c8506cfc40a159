"""What technicians are told about each node."""

import json
from dataclasses import replace

import pytest

from gateway.model import Heard, NodeState, StoredRecord
from gateway.web.fleet import TROUBLES, Row, fleet
from gateway.web.live import Live
from gateway.web.way import NodeCounts
from gateway.web.words import texts
from tests.gateway.web.made import NOW_S, SITE, broken_intake, intake, live, record, snow


def rows(
    *records: StoredRecord,
    counts: dict[int, NodeCounts] | None = None,
    told: dict[int, object] | None = None,
    sf: int = 9,
) -> dict[int, Row]:
    states = [NodeState(id_, b"", status=json.dumps(status)) for id_, status in (told or {}).items()]
    found = fleet(live(*records).nodes.values(), counts or {}, states, NOW_S + 5, sf)
    return {row.node.place.id: row for row in found}


def low(at_s: int = NOW_S) -> StoredRecord:
    return record(21, at_s, [3000, 5, -650, 3050])


def test_each_trouble_has_words_and_a_next_step() -> None:
    for trouble in TROUBLES:
        for key in (f"fleet.{trouble}", f"fleet.{trouble}.do"):
            assert set(texts()[key]) == {"nb", "en"}


def test_what_a_node_says_and_how_it_is_heard() -> None:
    status = {"firmware": "1.2.3", "config": "5ae9077b", "boot": [7, 3, 0, 0]}
    row = rows(intake(660, 640, rssi_dbm=-70), counts={11: NodeCounts(10, 9, 0)}, told={11: status})[11]
    assert (row.firmware, row.config, row.boots, row.boot_cause) == ("1.2.3", "5ae9077b", 7, "watchdog")
    assert (row.margin_db, row.waiting, row.trouble, row.mark) == (15.0, 1, "ok", "ok")
    assert row.battery is not None
    assert row.battery.mv == 3580
    assert 0.8 < row.battery.share < 0.9


@pytest.mark.parametrize("records", [(), (intake(660, 640),), (broken_intake(),)])
def test_a_node_on_the_shelf_has_no_other_trouble(records: tuple[StoredRecord, ...]) -> None:
    found = live(*records)
    found.shelve({11: NOW_S + 1}, NOW_S)
    status = NodeState(11, b"", status='{"boot": [9, 1, 0, 4]}')
    (row,) = [r for r in fleet(found.nodes.values(), {}, [status], NOW_S + 90_000) if r.node.place.id == 11]
    assert (row.trouble, row.mark) == ("shelf", "info")


def test_a_lora_margin_depends_on_the_spreading_factor() -> None:
    heard = replace(intake(660, 640), carrier="lora", rssi_dbm=-110, snr_db=-9.0)
    assert rows(heard, sf=9)[11].margin_db == pytest.approx(3.5)
    assert rows(heard, sf=9)[11].trouble == "link"
    assert rows(heard, sf=12)[11].trouble == "ok"


def test_each_receiver_has_a_margin_and_the_best_one_counts() -> None:
    by = (Heard("c1", -110, -9.0, 12), Heard("c2", -112, -14.0, 12), Heard("odd", -112, 3.0, 5))
    heard = replace(intake(660, 640), carrier="lora", rssi_dbm=-110, snr_db=-9.0, receivers=by)
    row = rows(heard, sf=9)[11]
    assert row.margin_db == pytest.approx(11.0), "by the spreading factor it was sent with"
    assert [link.heard.receiver for link in row.links] == ["c1", "c2", "odd"]
    assert [link.margin_db for link in row.links] == [11.0, 6.0, None]
    assert rows(intake(660, 640))[11].links == ()


@pytest.mark.parametrize(
    ("records", "counts", "told", "node", "trouble", "mark"),
    [
        ([], {}, {}, 11, "never", "info"),
        ([intake(660, 640, NOW_S - 90_000)], {}, {}, 11, "silent", "fault"),
        ([broken_intake()], {}, {}, 11, "sensor", "fault"),
        ([low(NOW_S - 90_000)], {}, {}, 21, "battery_stop", "fault"),
        ([low()], {}, {}, 21, "battery", "warning"),
        ([intake(660, 640)], {}, {11: {"boot": [9, 1, 0, 4]}}, 11, "restarts", "fault"),
        ([intake(660, 640)], {11: NodeCounts(100, 80, 0)}, {}, 11, "backlog", "warning"),
        ([intake(660, 640)], {11: NodeCounts(100, 98, 2)}, {}, 11, "lost", "warning"),
        ([intake(660, 640)], {}, {11: {"boot": "odd", "firmware": 7}}, 11, "ok", "ok"),
    ],
)
def test_troubles(
    records: list[StoredRecord],
    counts: dict[int, NodeCounts],
    told: dict[int, object],
    node: int,
    trouble: str,
    mark: str,
) -> None:
    row = rows(*records, counts=counts, told=told)[node]
    assert (row.trouble, row.mark) == (trouble, mark)


def test_older_firmware_than_others_on_the_same_board_is_told() -> None:
    nodes = tuple(replace(node, board="generic-esp32-sx1262") for node in SITE.nodes)
    site = replace(SITE, nodes=nodes)
    found = Live(site)
    for each in (intake(660, 640), snow(500)):
        found.nodes[each.node].take(each, found.readings(found.nodes[each.node].place, each))
    states = [
        NodeState(11, b"", status='{"firmware": "1.9.0"}'),
        NodeState(21, b"", status='{"firmware": "1.10.0"}'),
    ]
    by_id = {row.node.place.id: row for row in fleet(found.nodes.values(), {}, states, NOW_S + 5)}
    assert (by_id[11].trouble, by_id[21].trouble) == ("firmware", "ok")


def test_the_worst_comes_first() -> None:
    found = fleet(live(intake(660, 640), low(), broken_intake(NOW_S + 1)).nodes.values(), {}, [], NOW_S + 5)
    places = [TROUBLES.index(row.trouble) for row in found]
    assert places == sorted(places)
    assert found[0].trouble == "sensor"
