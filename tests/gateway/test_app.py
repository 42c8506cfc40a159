"""A whole gateway: broker, ingest, store and control, started, told to end, and started twice."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from device_configs.keys import write_keys
from gateway.app import Settings, locked, run
from gateway.carriers.mqtt import Broker
from gateway.claim import StartError
from gateway.control import ControlError, Message, request
from gateway.model import Downlink, Refusal
from gateway.store import Reader
from gateway.store.change import NOBODY
from gateway.store.pruning import synced_set
from tests.gateway.talking_node import GATEWAY_ID, SCHEMAS, TalkingNode, key_of, record
from tools.servers import HOST, Mosquitto
from wire import control

pytestmark = pytest.mark.servers
PATIENCE_S = 60
SITE = Path(__file__).parents[2] / "device_configs" / "sites" / "narvik-demo"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as server:
        yield server


@pytest.fixture
def settings(broker: Mosquitto, tmp_path: Path) -> Settings:
    keys = {node: key_of(node) for node in (11, 12)}
    return Settings("here", GATEWAY_ID, keys, SCHEMAS, tmp_path / "state", Broker(HOST, broker.port))


async def ask(state: Path, message: Message) -> Message:
    return await asyncio.to_thread(request, state / "gateway.sock", message)


async def until_connected(state: Path) -> Message:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                status = await ask(state, {"do": "status"})
            except ControlError:
                status = {"carriers": [{"connected": False}]}
            if status["carriers"][0]["connected"]:
                return status
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop))
    await until_connected(settings.state)
    yield
    stop.set()
    async with asyncio.timeout(PATIENCE_S):
        await task


class Talk:
    """One node's connection to the broker."""

    def __init__(self, client: aiomqtt.Client, node: TalkingNode, site: str) -> None:
        self.client, self.node, self.site = client, node, site

    async def say(self, frame: bytes) -> dict[int, Any]:
        await self.client.publish(f"sn/{self.site}/{self.node.node}/up", frame)
        async with asyncio.timeout(PATIENCE_S):
            message = await anext(self.client.messages)
        return self.node.hear([Downlink(self.node.node, bytes(message.payload))])


@asynccontextmanager
async def talking(broker: Mosquitto, node: TalkingNode, site: str = "here") -> AsyncIterator[Talk]:
    async with aiomqtt.Client(HOST, broker.port) as client:
        await client.subscribe(f"sn/{site}/{node.node}/down")
        yield Talk(client, node, site)


async def test_from_the_first_status_to_the_ack_and_back_after_a_restart(
    broker: Mosquitto, settings: Settings
) -> None:
    node = TalkingNode()
    async with talking(broker, node) as talk:
        async with running(settings):
            assert (await talk.say(node.status()))[control.EPOCH_OK] == node.epoch
            assert await talk.say(node.data(record(0), record(1))) == {control.ACK: [0xD4, 2]}
            status = await ask(settings.state, {"do": "status"})
            assert (status["site"], status["stored"], status["last_commit"]) == ("here", 2, 2)
            assert status["nodes"][0]["node"] == 11
            assert status["nodes"][0]["welcomed"]
            assert status["nodes"][1] == {
                "node": 12,
                "last_seen_ms": None,
                "status_at_ms": None,
                "shelved_at_ms": None,
                "welcomed": False,
                "stored": 0,
                "receptions": [],
            }
        async with running(settings):
            assert await talk.say(node.data(record(1), record(2))) == {control.ACK: [0xD4, 3]}
    with Reader.open(settings.state / "store.db") as reader:
        assert [seq for _, _, seq, _ in reader.identities()] == [0, 1, 2]


async def test_a_node_is_asked_through_the_socket(broker: Mosquitto, settings: Settings) -> None:
    node = TalkingNode()
    async with talking(broker, node) as talk, running(settings):
        await talk.say(node.status())
        assert await ask(settings.state, {"do": "ask", "node": 11}) == {"node": 11}
        message = await anext(talk.client.messages)
        told = node.hear([Downlink(11, bytes(message.payload))])
        assert told == {control.ASK: control.ASK_STATUS}
        with pytest.raises(ControlError, match="there is no node 99"):
            await ask(settings.state, {"do": "ask", "node": 99})


async def test_what_was_refused_is_on_disk_after_the_end(broker: Mosquitto, settings: Settings) -> None:
    async with running(settings), aiomqtt.Client(HOST, broker.port) as client:
        await client.publish("sn/here/11/up", b"noise")
        async with asyncio.timeout(PATIENCE_S):
            while (await ask(settings.state, {"do": "status"}))["refusals"] != {"malformed": 1}:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    with Reader.open(settings.state / "store.db") as reader:
        assert reader.refusals() == {(Refusal.MALFORMED, NOBODY): 1}


async def test_one_gateway_to_a_state_directory(settings: Settings) -> None:
    async with running(settings):
        with pytest.raises(StartError, match=r"another gateway \(process \d+\) is at work here"):
            await run(settings)


def test_a_state_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot write here"), locked(tmp_path / "file" / "state"):
        pass
    with pytest.raises(StartError, match="too long for a socket"), locked(tmp_path / ("x" * 110)):
        pass


async def test_a_damaged_store_is_set_aside_and_said_so(broker: Mosquitto, settings: Settings) -> None:
    settings.state.mkdir()
    (settings.state / "store.db").write_text("no database, whatever its name says. " * 200)
    async with running(settings):
        status = await ask(settings.state, {"do": "status"})
    assert [condition["name"] for condition in status["conditions"]] == ["salvaged"]
    assert len(list(settings.state.glob("store.db.damaged-*"))) == 1


async def test_sync_tells_what_it_has(settings: Settings) -> None:
    async with running(settings):
        status = await ask(settings.state, {"do": "status"})
        told = {"do": "synced", "store_id": status["store_id"], "spans": [[1, 20], [40, 41]]}
        assert await ask(settings.state, told) == {"known": True}
        assert await ask(settings.state, {**told, "store_id": "00" * 8}) == {"known": False}
        with pytest.raises(ControlError, match="spans"):
            await ask(settings.state, {"do": "synced", "spans": 5})
        assert await ask(settings.state, {**told, "quarantined": 3}) == {"known": True}
        with pytest.raises(ControlError, match="quarantined"):
            await ask(settings.state, {**told, "quarantined": "some"})
    with Reader.open(settings.state / "store.db") as reader:
        assert list(synced_set(reader.connection)) == [(1, 20), (40, 41)]


async def test_the_process_ends_in_order_on_sigterm(broker: Mosquitto, tmp_path: Path) -> None:
    """`python -m gateway` on the demo site: talks, ends with status 0, and keeps what it acknowledged."""
    state = tmp_path / "state"
    state.mkdir()
    write_keys(state / "keys.json", {11: key_of(11)})
    arguments = ["--site", str(SITE), "--state", str(state), "--broker", f"{HOST}:{broker.port}"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *arguments, env={"PYTHONPATH": ":".join(sys.path)}
    )
    await until_connected(state)
    node = TalkingNode()
    async with talking(broker, node, "narvik-demo") as talk:
        told = await talk.say(node.status())
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        assert await process.wait() == 0
    assert told[control.EPOCH_OK] == node.epoch
    with Reader.open(state / "store.db") as reader:
        assert [e.epoch for e in reader.epochs()] == [node.epoch]


async def test_a_wrong_configuration_is_exit_status_3(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--site", str(tmp_path / "nowhere"), "--state", str(tmp_path),
        env={"PYTHONPATH": ":".join(sys.path)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await process.communicate()
    assert process.returncode == 3
    assert b"no such folder" in err
    assert b"Traceback" not in err
