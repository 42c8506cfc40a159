"""Starting a gateway from a site's configuration and its keys."""

import asyncio
import json
import logging
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog

from device_configs import compile as compiled
from device_configs.loader import load_site
from gateway.app import Settings, StartError, run
from gateway.carriers.mqtt import Broker
from wire.seal import KEY_SIZE

KEYS_NAME = "keys.json"
MQTT_PORT = 1883


def settings_of(site_path: Path, state: Path, broker: Broker, keys_path: Path | None = None) -> Settings:
    """Return what a gateway of the site has to be told. Raises ConfigError and StartError.

    Keys of nodes that the site does not have are left out: their frames count as unknown.
    """
    site = load_site(site_path)
    keys = read_keys(keys_path or state / KEYS_NAME)
    known = {node.id for node in site.nodes}
    return Settings(
        site=site.id,
        gateway_id=site.gateway_id,
        keys={node: key for node, key in keys.items() if node in known},
        schemas=compiled.schemas(site),
        state=state,
        broker=broker,
    )


def read_keys(path: Path) -> Mapping[int, bytes]:
    """Return the key of each node in a key store, {"nodes": {"11": "<32 hex digits>"}}. Raises StartError."""
    try:
        text = path.read_text()
    except OSError as error:
        raise StartError(
            f"{path}: the nodes' keys cannot be read: {error.strerror}. "
            "Provisioning a node makes its key; --keys says where they are."
        ) from error
    try:
        keys = {int(node): bytes.fromhex(key) for node, key in json.loads(text)["nodes"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # The text holds keys: nothing of it is repeated here.
        raise StartError(
            f'{path}: this is no key store; expected {{"nodes": {{"11": "32 hex digits"}}}}'
        ) from error
    for node, key in keys.items():
        if not 0 <= node <= 0xFFFF or len(key) != KEY_SIZE:
            raise StartError(
                f"{path}: the key of node {node} does not have {2 * KEY_SIZE} hexadecimal digits"
            )
    return keys


def broker_at(
    address: str, username: str | None = None, password_file: Path | None = None, ca: Path | None = None
) -> Broker:
    """Return the broker at "host" or "host:port"; with `ca` (certificates), over TLS. Raises StartError."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", str(MQTT_PORT))
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise StartError(f"--broker {address}: expected host:port, for example 127.0.0.1:{MQTT_PORT}")
    try:
        password = password_file.read_text().strip() if password_file else None
        tls = ssl.create_default_context(cafile=str(ca)) if ca else None
    except OSError as error:
        raise StartError(f"{password_file or ca}: cannot be read: {error.strerror or error}") from error
    return Broker(host, int(port), username, password, tls)


def serve(settings: Settings) -> None:
    """Run the gateway until it is told to end. Raises StartError."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(run(settings))
