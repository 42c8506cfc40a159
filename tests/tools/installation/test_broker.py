"""The installed broker, tried with a real client: who gets in, to which topics, and for how long."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiomqtt
import pytest

from tests.tools.installation.staged import SITE_ID, InstalledBroker, staged
from tools.installation import broker
from tools.installation.choices import Broker, Choices

pytestmark = pytest.mark.servers
UP = f"sn/{SITE_ID}/%d/up"
DOWN = f"sn/{SITE_ID}/%d/down"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InstalledBroker]:
    installed = InstalledBroker(staged(tmp_path))
    for node in (11, 12):
        installed.credentials.password(node)
    with installed:
        yield installed


@asynccontextmanager
async def client(
    server: InstalledBroker, user: str | None, password: str | None = None, name: str | None = None
) -> AsyncIterator[aiomqtt.Client]:
    if user is not None and password is None:
        known = server.credentials
        password = known.gateway() if user == "gateway" else known.password(int(user[1:]))
    async with aiomqtt.Client(
        "localhost", server.port, username=user, password=password, tls_context=server.tls, identifier=name,
        timeout=60,
    ) as connected:  # fmt: skip
        yield connected


async def heard(listener: aiomqtt.Client, speaker: aiomqtt.Client, topic: str) -> bool:
    """Publish "tried" to `topic`; return whether the listener gets it."""
    # The answer to a QoS 1 publication says that the broker is done with it, delivered or not; what it
    # delivers reaches the listener before the answer to anything the listener asks from then on.
    await speaker.publish(topic, b"tried", qos=1)
    await listener.subscribe("asked/last")
    if not len(listener.messages):
        return False
    return (await anext(listener.messages)).payload == b"tried"


async def test_a_node_writes_up_and_hears_down_on_its_own_topics_alone(server: InstalledBroker) -> None:
    async with (
        client(server, "gateway") as gateway,
        client(server, "n11") as node,
        client(server, "n12") as other,
    ):
        await gateway.subscribe(f"sn/{SITE_ID}/+/up")
        assert await heard(gateway, node, UP % 11)
        assert not await heard(gateway, node, UP % 12)
        assert not await heard(gateway, node, "sn/elsewhere/11/up")
        await node.subscribe(DOWN % 11)
        assert await heard(node, gateway, DOWN % 11)
        # Mosquitto grants a subscription and delivers nothing: what counts is what arrives.
        for topic in (DOWN % 12, UP % 12, "#", "$SYS/#", f"sn/{SITE_ID}/+/down"):
            await other.subscribe(topic)
        assert await heard(other, gateway, DOWN % 12)
        assert not await heard(other, gateway, DOWN % 11)
        assert not await heard(other, node, UP % 11)
        assert not await heard(other, node, DOWN % 12)
        assert not await heard(other, gateway, UP % 12)


@pytest.mark.parametrize(
    ("user", "password"), [(None, None), ("n11", ""), ("n11", "guess"), ("nobody", "x"), ("", "")]
)
async def test_nobody_gets_in_without_a_credential(
    server: InstalledBroker, user: str | None, password: str | None
) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with client(server, user, password):
            pass


async def test_a_revoked_node_is_cut_off_at_once_and_the_others_go_on(server: InstalledBroker) -> None:
    password = server.credentials.password(12)
    async with client(server, "gateway") as gateway, client(server, "n11") as node:
        await gateway.subscribe(f"sn/{SITE_ID}/+/up")
        with pytest.raises(aiomqtt.MqttError):
            await revoked_while_connected(server, gateway)
        with pytest.raises(aiomqtt.MqttError):
            async with client(server, "n12", password):
                pass
        assert await heard(gateway, node, UP % 11)


async def revoked_while_connected(server: InstalledBroker, gateway: aiomqtt.Client) -> None:
    async with client(server, "n12") as node, asyncio.timeout(60):
        await node.publish(UP % 12, b"still in", qos=1)
        assert (await anext(gateway.messages)).payload == b"still in"
        server.credentials.revoke(12)
        server.reload()
        await anext(node.messages)  # nothing comes but the end of the connection


async def test_nobody_takes_anothers_place_by_its_name(server: InstalledBroker) -> None:
    async with client(server, "gateway", name="gateway") as gateway:
        await gateway.subscribe(f"sn/{SITE_ID}/+/up")
        async with client(server, "n11", name="gateway") as node:
            assert await heard(gateway, node, UP % 11)


def test_a_client_that_believes_other_authorities_does_not_go_on(server: InstalledBroker) -> None:
    strangers = ssl.create_default_context()
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    with plain, pytest.raises(ssl.SSLCertVerificationError):
        strangers.wrap_socket(plain, server_hostname="localhost")


def test_plain_mqtt_gets_no_answer(server: InstalledBroker) -> None:
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain:
        plain.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
        with suppress(ConnectionError):
            answer = plain.recv(64)
    assert b"\x20\x02" not in answer


def test_secrets_are_readable_by_their_owner_alone_and_stay(tmp_path: Path) -> None:
    places = staged(tmp_path)
    choices = Choices(broker=Broker(names=("10.0.0.5",)))
    umask = os.umask(0o077)  # as careful administrators set it
    try:
        broker.prepare(places, choices, SITE_ID)
    finally:
        os.umask(umask)
    public = [places.broker / "mosquitto.conf", places.settings / "ca.pem", places.data / "ca.pem"]
    assert [path.stat().st_mode & 0o777 for path in public] == [0o644] * 3
    kept = [places.secrets / "broker", places.authority / "ca.key", places.data / "broker.json"]
    before = [path.read_bytes() for path in kept]
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600] * 3
    broker.prepare(places, choices, SITE_ID)
    assert [path.read_bytes() for path in kept] == before
    assert kept[0].read_text().strip() not in (places.data / "broker" / "passwords").read_text()
    assert kept[0].read_text().strip() not in (places.broker / "mosquitto.conf").read_text()
