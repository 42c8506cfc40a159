"""The MQTT carrier against a real Mosquitto that goes and comes back."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import aiomqtt
import pytest

from gateway.carriers import mqtt
from gateway.carriers.mqtt import Broker, MqttCarrier
from gateway.model import FRAME_MAX, Downlink, Uplink
from tests.gateway.talking_node import NOON_MS
from tools.servers import HOST, Mosquitto, access_list

pytestmark = pytest.mark.servers


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as server:
        yield server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "BACKOFF_MIN_S", 0.05)
    monkeypatch.setattr(mqtt, "BACKOFF_MAX_S", 0.2)


def carrier_at(broker: Mosquitto, site: str = "here") -> MqttCarrier:
    return MqttCarrier(site, Broker(HOST, broker.port), now_ms=lambda: NOON_MS)


async def until_connected(carrier: MqttCarrier, connected: bool = True) -> None:
    async with asyncio.timeout(60):
        while carrier.connected != connected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def collect(uplinks: AsyncGenerator[list[Uplink]], count: int) -> list[Uplink]:
    found: list[Uplink] = []
    async with asyncio.timeout(60), aclosing(uplinks):
        async for batch in uplinks:
            assert batch
            found += batch
            if len(found) >= count:
                break
    return found


@pytest.fixture
async def node(broker: Mosquitto) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(HOST, broker.port) as client:
        yield client


async def test_frames_come_up_as_they_were_sent(broker: Mosquitto, node: aiomqtt.Client) -> None:
    carrier = carrier_at(broker)
    collecting = asyncio.create_task(collect(carrier.uplinks(), 500))
    await until_connected(carrier)
    await node.publish("sn/elsewhere/11/up", b"of another site")
    await node.publish("sn/here/11/down", b"a downlink")
    for n in range(500):
        await node.publish(f"sn/here/{n % 7}/up", n.to_bytes(2, "big"))
    uplinks = await collecting
    assert [int.from_bytes(u.frame, "big") for u in uplinks] == list(range(500))
    assert {(u.received_at_ms, u.carrier, u.rssi_dbm, u.snr_db) for u in uplinks} == {
        (NOON_MS, "mqtt", None, None)
    }
    assert not carrier.connected


async def test_of_what_is_too_large_only_the_proof_is_held(broker: Mosquitto, node: aiomqtt.Client) -> None:
    carrier = carrier_at(broker)
    collecting = asyncio.create_task(collect(carrier.uplinks(), 2))
    await until_connected(carrier)
    await node.publish("sn/here/11/up", bytes(1_000_000))
    await node.publish("sn/here/11/up", b"")
    assert [len(u.frame) for u in await collecting] == [FRAME_MAX + 1, 0]


async def test_downlinks_reach_their_nodes(broker: Mosquitto, node: aiomqtt.Client) -> None:
    carrier = carrier_at(broker)
    await node.subscribe("sn/here/+/down")
    listening = asyncio.create_task(collect(carrier.uplinks(), 1))
    await until_connected(carrier)
    await carrier.send([Downlink(n, bytes([n])) for n in range(100)])
    heard = []
    async with asyncio.timeout(60):
        async for message in node.messages:
            heard.append((str(message.topic), message.payload))
            if len(heard) == 100:
                break
    assert sorted(heard) == sorted((f"sn/here/{n}/down", bytes([n])) for n in range(100))
    listening.cancel()


async def test_a_broker_that_takes_nothing_does_not_hold_the_gateway(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mqtt, "SEND_TIMEOUT_S", 0.2)
    carrier = carrier_at(broker)
    listening = asyncio.create_task(collect(carrier.uplinks(), 1))
    await until_connected(carrier)
    await asyncio.to_thread(broker.pause)
    async with asyncio.timeout(60):
        # More than the two sockets' buffers hold.
        await carrier.send([Downlink(11, bytes(4_000_000)) for _ in range(16)])
    assert "nothing was sent within 0.2 s" in capsys.readouterr().out
    listening.cancel()
    await asyncio.to_thread(broker.resume)


async def test_it_outlives_a_restart_of_the_broker(broker: Mosquitto) -> None:
    carrier = carrier_at(broker)
    uplinks = carrier.uplinks()
    collecting = asyncio.create_task(collect(uplinks, 1))
    await until_connected(carrier)
    await asyncio.to_thread(broker.kill)
    await until_connected(carrier, connected=False)
    await carrier.send([Downlink(11, b"nobody hears this")])
    await asyncio.to_thread(broker.start)
    await until_connected(carrier)
    async with aiomqtt.Client(HOST, broker.port) as node:
        await node.publish("sn/here/11/up", b"again")
    assert [u.frame for u in await collecting] == [b"again"]


async def test_it_waits_for_a_broker_that_is_not_there_yet(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "late")
    broker.start()
    broker.stop()
    carrier = carrier_at(broker)
    collecting = asyncio.create_task(collect(carrier.uplinks(), 1))
    await asyncio.sleep(0.2)
    assert not carrier.connected
    await asyncio.to_thread(broker.start)
    await until_connected(carrier)
    collecting.cancel()
    broker.stop()


async def test_it_logs_in_and_a_wrong_password_is_no_end(tmp_path: Path) -> None:
    credentials = {"gateway": "a password", "n11": "another"}
    with Mosquitto(tmp_path / "closed", credentials=credentials, access=access_list("here", [11])) as broker:
        known = MqttCarrier("here", Broker(HOST, broker.port, "gateway", "a password"))
        collecting = asyncio.create_task(collect(known.uplinks(), 1))
        await until_connected(known)
        stranger = MqttCarrier("here", Broker(HOST, broker.port, "gateway", "wrong"))
        refused = asyncio.create_task(collect(stranger.uplinks(), 1))
        async with aiomqtt.Client(HOST, broker.port, username="n11", password="another") as node:
            await node.publish("sn/here/11/up", b"mine")
        assert [u.frame for u in await collecting] == [b"mine"]
        assert not stranger.connected
        assert not refused.done()
        refused.cancel()


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Broker("host", 1883, "gateway", "secret"))
    assert str(Broker("host", 1883, "gateway", "secret")) == "host:1883"
