"""From files and options to plain values, and what is said where that fails."""

from pathlib import Path

import pytest

from device_configs.keys import write_keys
from device_configs.problem import ConfigError
from gateway.carriers.mqtt import Broker
from gateway.claim import StartError
from gateway.start import broker_at, page_at, settings_of
from tools.radio_site import by_radio

SITE = Path(__file__).parents[2] / "device_configs" / "sites" / "narvik-demo"


def test_a_site_and_its_keys(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys.json", {11: bytes(16), 60_000: bytes(16)})
    settings = settings_of(SITE, tmp_path, Broker())
    assert settings.site == "narvik-demo"
    assert len(settings.gateway_id) == 4
    assert settings.keys == {11: bytes(16)}  # node 60000 is not of this site
    assert settings.schemas
    assert settings.state == tmp_path


def test_a_gateway_listens_to_concentrators_and_bridges_where_the_site_has_lora(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys.json", {11: bytes(16)})
    site = by_radio(SITE, tmp_path / "site")
    radios = settings_of(
        site, tmp_path, Broker(), packet_forwarder=page_at("1700"), bridges=["/dev/ttyUSB0"]
    ).radios
    assert radios is not None
    assert (radios.packet_forwarder, radios.bridges) == (("127.0.0.1", 1700), ("/dev/ttyUSB0",))
    assert settings_of(site, tmp_path, Broker()).radios is None
    with pytest.raises(StartError, match="no `lora` settings"):
        settings_of(SITE, tmp_path, Broker(), bridges=["/dev/ttyUSB0"])


def test_keys_may_be_elsewhere(tmp_path: Path) -> None:
    write_keys(tmp_path / "other.json", {11: bytes(16)})
    assert settings_of(SITE, tmp_path, Broker(), tmp_path / "other.json").keys == {11: bytes(16)}


def test_without_keys_or_site_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"keys\.json"):
        settings_of(SITE, tmp_path, Broker())
    with pytest.raises(ConfigError, match="no such folder"):
        settings_of(tmp_path / "nowhere", tmp_path, Broker())


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("broker.example", "broker.example", 1883), ("10.0.0.1:8883", "10.0.0.1", 8883)],
)
def test_a_brokers_address(address: str, host: str, port: int) -> None:
    broker = broker_at(address)
    assert (broker.host, broker.port, broker.tls) == (host, port, None)


@pytest.mark.parametrize("address", ["", ":1883", "host:", "host:no", "host:0", "host:70000"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(StartError, match="expected host:port"):
        broker_at(address)


def test_the_password_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sesame\n")
    assert broker_at("host", "gateway", tmp_path / "password").password == "sesame"
    with pytest.raises(StartError, match="password cannot be read"):
        broker_at("host", "gateway", tmp_path / "nothing")


def test_certificates_turn_tls_on(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    for path in (tmp_path / "ca.pem", tmp_path / "nothing.pem"):
        with pytest.raises(StartError, match="no certificates"):
            broker_at("host", ca=path)
