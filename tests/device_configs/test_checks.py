from collections.abc import Callable
from pathlib import Path

import pytest

from device_configs.checks import distance_km
from device_configs.loader import load_site
from device_configs.problem import ConfigError, Problem

Breaking = Callable[[str, str, str], list[Problem]]


def messages(problems: list[Problem]) -> list[str]:
    return [problem.message for problem in problems]


def test_distance() -> None:
    # One degree of a great circle is 111.2 km; at 60 degrees north a parallel is half as long.
    assert distance_km(60, 10, 60, 11) == pytest.approx(111.2 / 2, abs=0.1)
    assert distance_km(60, 10, 61, 10) == pytest.approx(111.2, abs=0.1)
    assert distance_km(0, 0, 0, 180) == pytest.approx(20015, abs=1)
    assert distance_km(5, 5, 5, 5) == 0


def test_positions_far_away(breaking: Breaking) -> None:
    (problem,) = breaking("site.yaml", "latitude: 68.4385", "latitude: 63.43")[:1]
    assert problem.message == "node 11 lies 558 km from the site"


def test_lora_needs_settings_and_a_radio(breaking: Breaking, folder: Path) -> None:
    problems = breaking(
        "nodes.yaml", "board: esp32-han\n    carrier: mqtt", "board: esp32-han\n    carrier: lora"
    )
    assert messages(problems) == ["board `esp32-han` has no LoRa radio", "site.yaml has no `lora` settings"]
    lora = "lora: {frequency_khz: 869525, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14}\n"
    (folder / "site.yaml").write_text((folder / "site.yaml").read_text() + lora)
    nodes = (folder / "nodes.yaml").read_text().replace("carrier: lora", "carrier: mqtt")
    (folder / "nodes.yaml").write_text(nodes.replace("carrier: mqtt", "carrier: lora", 1))
    site = load_site(folder)
    assert site.node(11).carrier == "lora"
    assert site.lora is not None


@pytest.mark.parametrize(
    ("board", "says"),
    [
        ("esp32-han", "board `esp32-han` has no LoRa radio: it can be no bridge"),
        ("heltec", "`bridge`: unknown board `heltec`"),
    ],
)
def test_a_bridge_needs_a_radio(folder: Path, board: str, says: str) -> None:
    lora = (
        "lora: {frequency_khz: 869525, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14, bridge: %s}\n"
    )
    site = (folder / "site.yaml").read_text()
    (folder / "site.yaml").write_text(site + lora % "heltec-v3")
    assert load_site(folder).lora.bridge == "heltec-v3"  # type: ignore[union-attr]
    (folder / "site.yaml").write_text(site + lora % board)
    with pytest.raises(ConfigError) as found:
        load_site(folder)
    assert messages(list(found.value.problems)) == [says]


def test_what_the_law_does_not_let_a_node_send(folder: Path) -> None:
    lora = "lora: {frequency_khz: 868100, spreading_factor: 12, bandwidth_khz: 125, power_dbm: 14}\n"
    (folder / "site.yaml").write_text((folder / "site.yaml").read_text() + lora)
    nodes = (folder / "nodes.yaml").read_text()
    (folder / "nodes.yaml").write_text(nodes.replace("carrier: mqtt", "carrier: lora", 1))
    with pytest.raises(ConfigError) as found:
        load_site(folder)
    (problem,) = found.value.problems
    assert problem.message == "node 11 would take 378 % of the airtime the law allows; it may plan for 75 %"
    assert problem.hint == "a longer interval, a lower spreading factor, or more channels"
    assert "event_interval_s" in (folder / "nodes.yaml").read_text().splitlines()[problem.line - 1]


@pytest.mark.parametrize("interval_s", ["59", "3601", "0", "-1"])
def test_intervals(breaking: Breaking, interval_s: str) -> None:
    problems = breaking("nodes.yaml", "interval_s: 600", f"interval_s: {interval_s}")
    assert messages(problems) == [f"`interval_s` {interval_s} is not between 60 and 3600"]


def test_a_later_revision_may_have_an_earlier_start(breaking: Breaking) -> None:
    revised = """
      - channel: up
        revision: 2
        valid_from: 2025-09-01T10:00:00+02:00
        raw0: 4000
        value0: -180
        raw1: 20000
        value1: 2820
        source: Demo
        note: Nullpunktet var 20 mm feil"""
    old = "        source: Demo. Transmitter 0-3 m, null nivellert mot datum"
    assert breaking("nodes.yaml", old, old + revised) == []


def test_a_snow_depth_falls_with_the_distance(breaking: Breaking) -> None:
    old = "value0: 0\n        raw1: 500\n        value1: 3000"
    problems = breaking("nodes.yaml", old, "value0: 3000\n        raw1: 500\n        value1: 0")
    assert messages(problems) == ["`depth_mm` has to fall when `distance_mm` rises"]


def test_a_rule_for_nodes_of_two_profiles_needs_a_key_of_both(breaking: Breaking) -> None:
    assert messages(breaking("alerts.yaml", "nodes: [11]", "nodes: [11, 21]")) == [
        "profile `snow` has no value `up_level_mm`"
    ]


def test_ids_are_unique_in_every_list(folder: Path, breaking: Breaking) -> None:
    (folder / "buildings.yaml").write_text(
        (folder / "buildings.yaml").read_text().replace("id: idrettens-hus", "id: radhuset")
    )
    problems = breaking("alerts.yaml", "id: stiger-fort", "id: kulvert-80")
    assert messages(problems) == [
        "`id` kulvert-80 is taken by the entry in line 13",
        "`id` radhuset is taken by the entry in line 3",
    ]
