"""Which relays a site may have."""

from pathlib import Path

import pytest

from device_configs.loader import load_site
from device_configs.problem import ConfigError
from device_configs.relay_schema import Relay
from tests.firmware.radio_lab import site_with_radio

HOME = "{site: nord, broker: 'gw.nord.example:8883', name: sor}"


def site(folder: Path, relay: str) -> Path:
    found = site_with_radio(folder)
    (found / "site.yaml").write_text((found / "site.yaml").read_text() + f"\nrelay: {relay}\n")
    return found


def test_a_home_and_what_we_are_called_there(tmp_path: Path) -> None:
    (home,) = load_site(site(tmp_path, f"[{HOME}]")).relay
    assert home == Relay(site="nord", broker="gw.nord.example:8883", name="sor")


@pytest.mark.parametrize(
    ("relay", "message"),
    [
        (f"[{HOME}, {HOME}]", "names other sites, each once"),
        (f"[{HOME.replace('nord,', 'narvik-demo,')}]", "names other sites"),
        (f"[{HOME.replace('8883', '0')}]", "a port from 1 to 65535"),
        (f"[{HOME.replace(':8883', '')}]", "host:port"),
        (f"[{HOME.replace('sor', 'Sør!')}]", "name"),
        ("[{site: nord}]", "broker"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, relay: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_site(site(tmp_path, relay))


def test_it_takes_a_radio(tmp_path: Path) -> None:
    folder = site(tmp_path, f"[{HOME}]")
    text = (folder / "site.yaml").read_text()
    (folder / "site.yaml").write_text("\n".join(line for line in text.splitlines() if "lora:" not in line))
    nodes = (folder / "nodes.yaml").read_text()
    (folder / "nodes.yaml").write_text(nodes.replace("carrier: lora", "carrier: mqtt"))
    with pytest.raises(ConfigError, match="needs the `lora` settings"):
        load_site(folder)
