"""Starting a gateway from a site's configuration and its keys."""

import asyncio
import os
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from device_configs import compile as compiled
from device_configs.keys import read_keys
from device_configs.loader import load_site
from gateway import watchdog
from gateway.app import Settings, run
from gateway.carriers.mqtt import Broker
from gateway.carriers.radios import Radios
from gateway.claim import StartError
from gateway.delivery import DeliverySetupError, delivery_in
from gateway.logs import to_stderr
from gateway.relay import brokers
from gateway.store import STORE_NAME
from gateway.store.memory import CAP_BYTES, place_for
from gateway.store.pruning import Limits
from gateway.store.upkeep import Unusable
from gateway.web.server import Address, Page

log = structlog.get_logger()

RESTART_S = 1.0
KEYS_NAME = "keys.json"
MQTT_PORT = 1883


def settings_of(
    site_path: Path,
    state: Path,
    broker: Broker,
    keys_path: Path | None = None,
    page: Address | None = None,
    interval_s: int | None = None,
    cap_mb: int | None = None,
    packet_forwarder: Address | None = None,
    bridges: Sequence[str] = (),
) -> Settings:
    """Return what a gateway of the site has to be told. Raises ConfigError.

    Keys of nodes that the site does not have are left out: their frames count as unknown. `page` is where
    the page is served, `interval_s` how often the nodes sample where that is not what the site says,
    `cap_mb` the room the store may take; `packet_forwarder` is where concentrators report to, `bridges` the
    serial ports of USB bridges.
    """
    site = load_site(site_path)
    radios = None
    if packet_forwarder or bridges:
        if site.lora is None:
            raise StartError(
                f"{site_path}: site.yaml has no `lora` settings, so there is nothing to listen to. Add them, "
                "or leave --packet-forwarder and --bridge out."
            )
        at = (packet_forwarder.host, packet_forwarder.port) if packet_forwarder else None
        radios = Radios(site.lora, at, tuple(bridges))
    keys = read_keys(keys_path or state / KEYS_NAME)
    try:
        delivery = delivery_in(state, site)
    except DeliverySetupError as error:
        raise StartError(str(error)) from error
    home = state
    state, in_memory = place_for(state)
    shifts = delivery.shifts if delivery else ()
    kept = site.retention
    limits = Limits((cap_mb or kept.store_mb) << 20, watermark_percent=kept.watermark_percent)
    if in_memory:
        limits = Limits(CAP_BYTES, free_bytes=0)
    return Settings(
        site=site.id,
        gateway_id=site.gateway_id,
        keys={node.id: keys[node.id] for node in site.nodes if node.id in keys},
        schemas=compiled.schemas(site),
        state=state,
        broker=broker,
        radios=radios,
        relays=brokers(site.relay, home) if radios else (),
        page=Page(site, state, state / STORE_NAME, page, interval_s, home=home, shifts=shifts)
        if page
        else None,
        rules=site,
        delivery=delivery,
        limits=limits,
        in_memory=in_memory,
        home=home,
    )


def page_at(address: str, option: str = "--page") -> Address:
    """Return what an option names: "host:port", or "port" on this machine alone. Raises StartError."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise StartError(f"{option} {address}: expected host:port, for example 127.0.0.1:8080")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def broker_at(
    address: str, username: str | None = None, password_file: Path | None = None, ca: Path | None = None
) -> Broker:
    """Return the broker at "host" or "host:port"; with `ca` (certificates), over TLS. Raises StartError."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", str(MQTT_PORT))
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise StartError(f"--broker {address}: expected host:port, for example 127.0.0.1:{MQTT_PORT}")
    try:
        password = password_file.read_text().strip() if password_file else None
    except OSError as error:
        raise StartError(f"{password_file}: the password cannot be read: {error.strerror}") from error
    try:
        tls = ssl.create_default_context(cafile=str(ca)) if ca else None
    except OSError as error:  # SSLError is one
        raise StartError(f"{ca}: no certificates (PEM) can be read: {error.strerror}") from error
    return Broker(host, int(port), username, password, tls)


def serve(settings: Settings) -> None:
    """Run the gateway until it is told to end, logging on standard error. Raises StartError.

    Where the store becomes unusable, the process begins once more from its command line: a damaged store
    is then set aside, and where the card takes nothing the state goes to memory.
    """
    to_stderr()
    if settings.in_memory:
        log.error("card_takes_nothing", state=str(settings.state), next="records are kept in memory")
    try:
        asyncio.run(run(settings))
    except Unusable as error:
        log.error("gateway_starts_anew", reason=str(error))  # noqa: TRY400
        watchdog.long_work()
        time.sleep(RESTART_S)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606
