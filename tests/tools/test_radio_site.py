from pathlib import Path

from device_configs.loader import SITES, load_site
from device_configs.radio_plan import plan
from tools.radio_site import INTERVAL_S, VALLEY, by_radio
from wire.airtime import airtime_ms, limit_ms, sub_band


def test_nodes_on_batteries_report_by_radio_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    before = load_site(SITES / "narvik-demo")
    site = load_site(by_radio(SITES / "narvik-demo", tmp_path))
    ways = {node.id: node.carrier for node in site.nodes}
    assert ways == {11: "lora", 12: "lora", 21: "lora", 22: "lora", 31: "mqtt", 32: "mqtt"}
    assert sorted(id_ for id_ in VALLEY if ways[id_] == "lora") == sorted(VALLEY)
    assert site.lora is not None
    assert site.lora.bridge == "heltec-v3"
    assert (site.id, site.rules, site.buildings) == (before.id, before.rules, before.buildings)


def test_the_demo_is_within_the_law_from_the_first_minute(tmp_path: Path) -> None:
    """A node that has just been switched on has an eighth of an hour's airtime for its first hour."""
    site = load_site(by_radio(SITES / "narvik-demo", tmp_path))
    assert site.lora is not None
    first_hour_ms = limit_ms(sub_band(site.lora.frequency_khz)) / 8
    for node in site.nodes:
        if node.carrier == "lora":
            report_ms = plan(node.profile, site.lora, INTERVAL_S).airtime_ms
            assert 3600 / INTERVAL_S * report_ms + 10 * airtime_ms(120, 7) < first_hour_ms
