"""How nodes reach the gateway: network.yaml in the state directory, since it holds the Wi-Fi password.

    broker: {host: 192.0.2.10, port: 8883, ca: ca.pem, name: gateway}
    wifi: {ssid: sensornett, password: "..."}
    hotspot: {ssid: sensornett-service, password: "..."}

Nodes that report over LoRa need the last alone: it is where they take new programs, on a press of the button.
Each site draws a password of its own.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from device_configs.compile import Settings, node_settings
from device_configs.entry import Entry, Text
from device_configs.model import Node, Site
from device_configs.problem import ConfigError
from device_configs.source import read_yaml
from device_configs.validate import validate
from tools.node.trouble import Trouble

FILE = "network.yaml"


class Broker(Entry):
    """Where the MQTT broker is, as the nodes see it."""

    host: Text
    """Address or name."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    """TCP port."""
    ca: Text | None = None
    """File with the certificate that the broker's has to be signed by (PEM), beside this one."""
    name: Text = "gateway"
    """The name the broker's certificate is made out to."""


class Wifi(Entry):
    """The wireless network the nodes join."""

    ssid: Text
    """Its name."""
    password: str = ""
    """Its password; empty: an open network."""


class Hotspot(Entry):
    """The technician's hotspot, for nodes by LoRa."""

    ssid: Annotated[str, Field(min_length=1, max_length=32)] = "sensornett-service"
    """Its name."""
    password: Annotated[str, Field(min_length=12, max_length=63)]
    """Its password (WPA2), 12 to 63 characters: whoever hears a node join may try passwords at leisure."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1885
    """TCP port of the broker there; not an installed gateway's own."""


class Network(Entry):
    """network.yaml"""

    broker: Broker | None = None
    """The MQTT broker."""
    wifi: Wifi | None = None
    """The wireless network."""
    hotspot: Hotspot | None = None
    """The technician's hotspot."""


def load_network(state: Path) -> Network | None:
    """Return the network, None where there is no such file. Raises ConfigError."""
    path = state / FILE
    if not path.exists():
        return None
    document, wrong = read_yaml(path)
    if wrong:
        raise ConfigError(wrong)
    network, wrong = validate(document, (), Network)
    if network is None or wrong:
        raise ConfigError(wrong)
    return network


def settings_for(
    site: Site, node: Node, network: Network | None, state: Path, password: Callable[[int], str]
) -> Settings:
    """Return the node's settings. Raises Trouble where an MQTT node has no network."""
    options = dict[str, Any]()
    if network and network.hotspot:
        hotspot = network.hotspot
        options["hotspot"] = {
            "ssid": hotspot.ssid,
            "wifi_password": hotspot.password,
            "port": hotspot.port,
        }
    if "mqtt" not in node.carriers:
        return node_settings(site, node, **options)
    if network is None or network.broker is None or network.wifi is None:
        raise Trouble("no_network_file", path=state / FILE, node=node.id)
    broker = network.broker
    if broker.ca:
        options["tls"] = {"ca": _der(state / broker.ca), "name": broker.name}
    return node_settings(
        site,
        node,
        host=broker.host,
        port=broker.port,
        password=password(node.id),
        ssid=network.wifi.ssid,
        wifi_password=network.wifi.password,
        **options,
    )


def _der(path: Path) -> str:
    try:
        found = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", path.read_text(), re.DOTALL)
    except OSError as error:
        raise Trouble("no_ca", path=path, file=FILE, detail=str(error)) from error
    if not found:
        raise Trouble("no_ca", path=path, file=FILE, detail="no certificate in it")
    return re.sub(r"\s", "", found[1])
