"""A few of the storm's nodes by all three carriers, a bridge pulled and put back, a gateway cut off."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak import storm_scene as scene
from tests.soak.radio_town import EUI
from tests.soak.storm_boards import keys
from tests.soak.storm_bridge import ID
from tests.soak.storm_town import StormTown

START_MS = 1_795_000_000_000
WIFI, BY_RADIO = (1004, 1022), (1013, 1014, 1015, 1030, 1031, 1032)  # two for each way of being heard


@pytest.fixture
def town(tmp_path: Path) -> Iterator[StormTown]:
    made = StormTown(tmp_path, 5, scene.storm_site().only(*WIFI, *BY_RADIO), START_MS, keys())
    yield made
    made.close()


def test_each_way_of_being_heard_is_there() -> None:
    site = scene.storm_site()
    ways = {(node.profile.name, node.carrier, scene.heard_by(node)) for node in site.nodes}
    for profile in scene.COUNTS:
        assert {(profile, "mqtt", ()), *((profile, "lora", way) for way in scene.BEHIND)} <= ways
    assert len(site.nodes) == 60


def test_nothing_is_lost_while_the_bridge_is_out_and_the_gateway_has_no_supply(town: StormTown) -> None:
    town.run_hours(1)
    town.unplug_bridge()
    town.run_hours(0.7)
    heard = {node: max(r.measured_at_s for r in town.stored() if r.node == node) for node in BY_RADIO}
    behind = {node: scene.heard_by(town.site.node(node)) for node in BY_RADIO}
    late_s = {node: town.now_ms() // 1000 - at_s for node, at_s in heard.items()}
    cut_off = {node for node in BY_RADIO if behind[node] == (scene.BRIDGE,)}
    assert {node for node in BY_RADIO if late_s[node] > 1800} == cut_off
    town.plug_bridge()
    town.run_hours(0.5)
    town.cut_gateway()
    town.run_hours(0.3)
    town.start_gateway()
    town.measuring = False
    town.run_hours(2)
    measured = {
        (node.number, node.epoch, seq, row)
        for node in town.nodes
        for seq, (_, row) in enumerate(node.measured)
    }
    stored = town.stored()
    assert {(r.node, r.epoch, r.seq, r.values) for r in stored} == measured
    assert len(stored) == len(measured)
    names = {EUI.hex(): scene.CONCENTRATOR, ID.hex(): scene.BRIDGE}
    receivers: defaultdict[int, set[str]] = defaultdict(set)
    for record in stored:
        receivers[record.node] |= {names[heard.receiver] for heard in record.receivers}
    assert {node: set(behind[node]) for node in BY_RADIO} == {node: receivers[node] for node in BY_RADIO}
    counts = town.radio_counts()
    assert counts["bridge starts"] == 3
    assert counts["merged"] > 10
    assert counts["bridge: sent"]
