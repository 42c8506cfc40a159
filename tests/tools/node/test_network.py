"""network.yaml, and what of it goes to which node."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from device_configs.loader import SITES, load_site
from device_configs.model import Site
from device_configs.problem import ConfigError
from device_configs.radio_schema import Lora
from tools.node.network import FILE, load_network, settings_for
from tools.node.trouble import Trouble
from tools.node.words import Words

HOTSPOT = "hotspot: {password: elleve ville ravner}\n"
WIFI = "broker: {host: 192.0.2.10}\nwifi: {ssid: sensornett, password: hemmelig}\n"


@pytest.fixture(scope="module")
def site() -> Site:
    lora = Lora(frequency_khz=868_100, spreading_factor=7, bandwidth_khz=125, power_dbm=14)
    return replace(load_site(SITES / "narvik-demo"), lora=lora)


@pytest.fixture
def settings(site: Site, tmp_path: Path) -> Callable[..., dict[str, object]]:
    def of(text: str, carrier: str) -> dict[str, object]:
        if text:
            (tmp_path / FILE).write_text(text)
        node = replace(site.node(21), carrier=carrier)  # type: ignore[arg-type]
        return settings_for(site, node, load_network(tmp_path), tmp_path, lambda node: "password")

    return of


def test_a_node_by_radio_needs_no_network(settings: Callable[..., dict[str, object]]) -> None:
    assert "hotspot" not in settings("", "lora")


def test_a_node_by_radio_gets_the_hotspot(settings: Callable[..., dict[str, object]]) -> None:
    expected = {"ssid": "sensornett-service", "wifi_password": "elleve ville ravner", "port": 1885}
    assert settings(HOTSPOT, "lora")["hotspot"] == expected
    assert settings(WIFI + HOTSPOT, "lora")["hotspot"] == expected
    assert "hotspot" not in settings(WIFI + HOTSPOT, "mqtt")


def test_a_node_with_wifi_needs_broker_and_wifi(settings: Callable[..., dict[str, object]]) -> None:
    carrier = settings(WIFI, "mqtt")["carrier"]
    assert isinstance(carrier, dict)
    assert (carrier["host"], carrier["ssid"], carrier["password"]) == ("192.0.2.10", "sensornett", "password")
    for text in (HOTSPOT, WIFI.splitlines()[0]):
        with pytest.raises(Trouble) as trouble:
            settings(text, "mqtt")
        assert trouble.value.key == "no_network_file"


@pytest.mark.parametrize("content", [None, "nothing"])
def test_a_ca_that_is_not_there_or_none_is_told_with_its_place(
    settings: Callable[..., dict[str, object]], tmp_path: Path, content: str | None
) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(Trouble, match="no_ca") as found:
        settings(WIFI.replace("10}", "10, ca: ca.pem}"), "mqtt")
    assert f"{tmp_path}/ca.pem, which {FILE} names" in found.value.told(Words("en"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hotspot: {ssid: x}", "`password` is missing"),
        ("hotspot: {password: kort}", "`password` is shorter than 12 characters"),
        ('hotspot: {password: ""}', "`password` is empty"),
        ("hotspots: {}", "hotspots"),
    ],
)
def test_what_can_not_be(settings: Callable[..., dict[str, object]], text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        settings(text, "lora")
    assert words in error.value.problems[0].message
