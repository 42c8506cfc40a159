import dataclasses
import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from device_configs.compile import (
    HEAD_BYTES,
    REGISTERS,
    SEGMENT_BYTES,
    SEGMENTS_MAX,
    archive_segments,
    config_hash,
    node_settings,
    schemas,
    segments_for,
    settings_bytes,
)
from device_configs.loader import load_site
from device_configs.model import Site
from device_configs.radio_schema import Lora
from node.backlog import pack_entry
from wire.quantities import QUANTITIES

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("settings.json").read_text())
DRIVERS = Path(__file__).parents[2] / "firmware/lib/drivers"
LINK: dict[str, Any] = {"host": "192.0.2.1", "port": 1883, "password": "p", "ssid": "s", "wifi_password": "w"}
RAIN = """
  - id: 41
    name: Rain
    place: A roof
    latitude: 68.44
    longitude: 17.43
    profile: rain
    board: generic-esp32-sx1262
    carrier: mqtt
    calibration:
      - channel: pulses
        revision: 1
        valid_from: 2026-01-01T12:00:00+01:00
        raw0: 0
        value0: 0
        raw1: 1000
        value1: 200000
        source: Invented
"""


@pytest.mark.parametrize("number", list(GOLDEN))
def test_settings_of_the_demonstration(demo: Site, number: str) -> None:
    settings = node_settings(demo, demo.node(int(number)), **LINK)
    assert json.loads(settings_bytes(settings)) == GOLDEN[number]


def test_schemas_are_those_of_all_profiles(demo: Site) -> None:
    assert schemas(demo.only(11)) == {
        1: (1, 1, 3, 3, 4),
        2: (2, 6, 3, 4),
        3: (9, 9, 13, 13, 10, 10, 11, 11, 11, 12, 12, 12, 14, 14),
        4: (15,),
        5: (9, 9, 13, 13, 11, 11, 11, 12, 12, 12, 14, 14),
        6: (13,),
    }


def test_channels_stand_in_the_order_of_the_wire(demo: Site) -> None:
    for node in demo.nodes:
        channels = node_settings(demo, node, host="h")["channels"]
        assert tuple(channel["quantity"] for channel in channels) == schemas(demo)[node.profile.schema_id]
        assert all(channel["quantity"] in QUANTITIES for channel in channels)
        assert all((DRIVERS / f"{channel['driver']}.py").exists() for channel in channels)


def test_the_hash_is_that_of_the_file(demo: Site) -> None:
    settings = node_settings(demo, demo.node(11), host="h")
    raw = settings_bytes(settings)
    assert json.loads(raw) == settings
    assert config_hash(settings) == hashlib.sha256(raw).digest()[:4]
    assert raw == settings_bytes(dict(reversed(settings.items())))
    assert config_hash({**settings, "interval_s": 601}) != config_hash(settings)


def test_demo_and_tests_may_sample_faster_than_a_site(demo: Site) -> None:
    settings = node_settings(demo, demo.node(31), host="h", interval_s=2, batch_s=4)
    assert (settings["interval_s"], settings["batch_s"]) == (2, 4)
    assert settings["backlog_segments"] == SEGMENTS_MAX[4] - archive_segments(4)


def test_a_meter_has_an_archive_of_its_registers_beside_the_ring(demo: Site) -> None:
    settings = node_settings(demo, demo.node(31), host="h")
    assert settings["archive"] == {"channels": [2, 3, 12, 13], "segments": archive_segments(4)}
    assert 20 < archive_segments(1) < archive_segments(4) < 50
    assert "archive" not in node_settings(demo, demo.node(21), host="h")


@pytest.mark.parametrize(("name", "always"), [("energy", False), ("energy-modbus", True)])
def test_the_smallest_flash_holds_three_days_at_ten_seconds(demo: Site, name: str, always: bool) -> None:
    profile = demo.catalog.profiles[name]
    quantities = [QUANTITIES[n] for n in profile.quantities]
    moves = {"power_w": 200, "reactive_var": 200, "current_ma": 200, "phase_dv": 10}
    draw, values, sizes = Random(1), [5000] * len(quantities), []
    before = None
    for i in range(2160):  # six hours, in batches of a minute
        values = [
            n + draw.randint(-moves.get(q.name, 0), moves.get(q.name, 3))
            for n, q in zip(values, quantities, strict=True)
        ]
        there = [q.name in moves or always or i % 360 == 0 for q in quantities]
        row = (
            1_760_000_000 + 10 * i,
            None,
            tuple(n if held else None for n, held in zip(values, there, strict=True)),
            tuple(0 if held else 1 for held in there),
        )
        sizes.append(len(pack_entry(i, row, before if i % 6 else None)))  # type: ignore[no-untyped-call]
        before = row
    registers = sum(q.name in REGISTERS for q in quantities)
    per_segment = (SEGMENT_BYTES["mains"] - HEAD_BYTES) * len(sizes) // sum(sizes)
    assert (SEGMENTS_MAX[4] - archive_segments(registers) - 1) * per_segment > 3 * 8640


def test_a_fixed_address(demo: Site) -> None:
    ip = ("192.0.2.9", "255.255.255.0", "192.0.2.1", "192.0.2.1")
    assert node_settings(demo, demo.node(11), host="h", ip=ip)["carrier"]["ip"] == list(ip)


def test_mqtt_needs_a_host(demo: Site) -> None:
    with pytest.raises(ValueError, match="node 11 reports over MQTT: its settings need the broker's host"):
        node_settings(demo, demo.node(11))


def test_the_highest_revision_counts(demo: Site) -> None:
    node = demo.node(11)
    first = node.calibration[0]
    newer = first.model_copy(update={"revision": 2, "value0": -180})
    for calibration in ((first, newer), (newer, first)):
        changed = dataclasses.replace(node, calibration=calibration)
        channels = node_settings(demo, changed, host="h")["channels"]
        assert channels[0]["calibration"] == [4000, -180, 20000, 2800]
        assert channels[1]["calibration"] is None


def test_only_rules_marked_for_nodes_are_sent_to_them(demo: Site) -> None:
    plain = tuple(rule.model_copy(update={"at_node": False}) for rule in demo.rules)
    assert node_settings(dataclasses.replace(demo, rules=plain), demo.node(11), host="h")["events"] == []
    assert len(node_settings(demo, demo.node(11), host="h")["events"]) == 2
    assert len(node_settings(demo, demo.node(12), host="h")["events"]) == 1
    assert node_settings(demo, demo.node(21), host="h")["events"] == []


def test_a_raw_value_can_be_watched_too(demo: Site) -> None:
    (rule, *_) = demo.rules
    site = dataclasses.replace(demo, rules=(rule.model_copy(update={"key": "down_loop_ua", "above": 19000}),))
    assert node_settings(site, demo.node(11), host="h")["events"] == [
        {"channel": 1, "calibrated": False, "above": 19000, "below": None, "rise_per_h": None, "deadband": 60}
    ]


def test_lora(folder: Path) -> None:
    lora = "lora: {frequency_khz: 869525, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14}\n"
    (folder / "site.yaml").write_text((folder / "site.yaml").read_text() + lora)
    nodes = (folder / "nodes.yaml").read_text()
    (folder / "nodes.yaml").write_text(nodes.replace("carrier: mqtt", "carrier: lora", 1))
    site = load_site(folder)
    carrier = node_settings(site, site.node(11))["carrier"]
    assert carrier["kind"] == "lora"
    assert (carrier["channels_khz"], carrier["downlink_khz"]) == ([869525], 869525)
    assert carrier["sx1262"]["cs"] == 5


def test_a_rain_gauge(folder: Path) -> None:
    (folder / "nodes.yaml").write_text((folder / "nodes.yaml").read_text() + RAIN)
    site = load_site(folder)
    (channel,) = node_settings(site, site.node(41), host="h")["channels"]
    assert channel == {
        "name": "pulses",
        "quantity": 15,
        "driver": "pulses",
        "output": "pulses",
        "bus": {"pin": 33},
        "bounce_ms": 400,
        "calibration": [0, 0, 1000, 200000],
    }


def test_backlog_holds_the_days_asked_for(demo: Site) -> None:
    intake = demo.node(11)
    # 30 days at 600 s are 4320 records. A worst one takes 9 B + 3 B of quality codes + 2 x 3 + 2 x 3 + 3 B,
    # that is 27 B, so 36 fit into the 984 B of a segment.
    assert segments_for(intake, 600) == -(-4320 // 36) + 1
    assert segments_for(intake, 300) == -(-8640 // 36) + 1
    assert segments_for(intake, 3600) == segments_for(intake, 600)
    # A meter's worst record, its four registers in it, takes 77 B; a file of one block has 3984.
    energy = demo.node(31)
    assert segments_for(energy, 60) == segments_for(energy, 10) == -(-25920 // 51) + 1


def test_limits_reach_the_node_where_there_are_some(demo: Site) -> None:
    up, _, water, _, battery = node_settings(demo, demo.node(11), host="h")["channels"]
    assert (up["frozen_s"], water["plausible"]) == (86_400, [-200, 3000])
    assert {"frozen_s", "plausible"} & set(battery) == set()


def test_tls_is_passed_on(demo: Site) -> None:
    tls = {"ca": "MII=", "name": "gateway"}
    assert node_settings(demo, demo.node(11), host="h", tls=tls)["carrier"]["tls"] == tls


def test_a_node_with_two_carriers_gets_both(demo: Site) -> None:
    lora = Lora(frequency_khz=868_100, spreading_factor=7, bandwidth_khz=125, power_dbm=14)
    site = dataclasses.replace(demo, lora=lora)
    node = dataclasses.replace(demo.node(21), fallback="lora")
    settings = node_settings(site, node, host="h")
    assert (settings["carrier"]["kind"], settings["fallback"]["kind"]) == ("mqtt", "lora")
    other = node_settings(site, dataclasses.replace(node, carrier="lora", fallback="mqtt"), host="h")
    assert (other["carrier"], other["fallback"]) == (settings["fallback"], settings["carrier"])
    assert "fallback" not in node_settings(site, demo.node(21), host="h")
    with pytest.raises(ValueError, match="its settings need the broker's host"):
        node_settings(site, dataclasses.replace(node, carrier="lora", fallback="mqtt"))


def test_the_hotspot_is_for_battery_nodes_by_radio(demo: Site) -> None:
    hotspot = {"ssid": "service", "wifi_password": "words", "port": 1885}
    lora = Lora(frequency_khz=868_100, spreading_factor=7, bandwidth_khz=125, power_dbm=14)
    site = dataclasses.replace(demo, lora=lora)
    by_radio = dataclasses.replace(demo.node(21), carrier="lora")
    assert node_settings(site, by_radio, hotspot=hotspot)["hotspot"] == hotspot
    assert "hotspot" not in node_settings(site, by_radio)
    assert "hotspot" not in node_settings(site, demo.node(21), host="h", hotspot=hotspot)
