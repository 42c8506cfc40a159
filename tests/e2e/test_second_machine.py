"""A gateway is lost, and an old backup of it goes on elsewhere: real brokers, gateways, syncs, InfluxDB.

No nonce is used twice, nothing acknowledged is lost, nothing is there twice, and the node is not touched.
"""

import asyncio
import shutil
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pytest

from device_configs.keys import write_keys
from device_configs.loader import load_site
from gateway.model import Downlink
from gateway.store import Reader
from tests.tools.installation.staged import SITE, SITE_ID, InstalledBroker, SiteNode, staged
from tests.tools.installation.test_encryption import pair
from tools.installation import broker
from tools.installation.backup import back_up
from tools.installation.choices import FILE, write_choices
from tools.installation.restoring import restore
from tools.programs import Gateway, Sync
from tools.servers import InfluxDB, free_port
from wire import control

NODE = 11
DATABASE = "sensors"
WITHIN_S = 60.0
pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: below it lie sockets, whose paths may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="sn-") as path:
        yield Path(path)


class Machine:
    """An installed gateway with all its processes; it keeps every downlink that was heard of it."""

    def __init__(self, root: Path, influx: InfluxDB) -> None:
        self.places = staged(root)
        self.broker = InstalledBroker(self.places)
        write_choices(self.places.settings / FILE, self.broker.choices)
        self._influx = influx
        self.heard: list[bytes] = []

    def start(self) -> None:
        places, port = self.places, self.broker.choices.broker.port
        # As installing and restoring do.
        broker.prepare(places, self.broker.choices, load_site(places.site).id)
        self.gateway = Gateway(
            places.data, SITE, f"localhost:{port}", places.secrets / "broker", free_port(),
            radios=["--broker-ca", str(places.settings / "ca.pem")],
        )  # fmt: skip
        self.sync = Sync(places.data, SITE, self._influx.url, "v1", DATABASE)
        for process in (self.broker, self.gateway, self.sync):
            process.start()

    def stop(self) -> None:
        for process in (self.sync, self.gateway, self.broker):
            process.stop()

    async def until(self, true: Any, what: str) -> None:
        end = time.monotonic() + WITHIN_S
        while not true():
            assert time.monotonic() < end, what
            await asyncio.sleep(0.05)

    async def all_synced(self, count: int) -> None:
        def there() -> bool:
            told = self.sync.status()
            return told["synced"] == count and told["pending"] == 0

        await self.until(there, "sync does not come to an end")

    @asynccontextmanager
    async def reached_by(self, node: SiteNode, password: str, ca: str) -> AsyncIterator[aiomqtt.Client]:
        await self.until(lambda: self.gateway.status()["carriers"][0]["connected"], "no broker")  # type: ignore[index]
        async with aiomqtt.Client(
            "localhost", self.broker.port, username=f"n{node.node}", password=password,
            tls_context=ssl.create_default_context(cadata=ca),
        ) as client:  # fmt: skip
            await client.subscribe(f"sn/{SITE_ID}/{node.node}/down", qos=1)
            yield client

    async def hears(self, client: aiomqtt.Client, node: SiteNode, *frames: bytes) -> dict[int, Any]:
        """Let the node say `frames`, one after the other; return what it was told last."""
        for frame in frames:
            await client.publish(f"sn/{SITE_ID}/{node.node}/up", frame)
            async with asyncio.timeout(WITHIN_S):
                message = await anext(client.messages)
            self.heard.append(bytes(message.payload))
            node.hear([Downlink(node.node, self.heard[-1])])
        return node.told

    def records(self) -> list[tuple[int, int, int, Any]]:
        with Reader.open(self.places.data / "store.db") as reader:
            return sorted(reader.identities())

    def store_id(self) -> bytes:
        with Reader.open(self.places.data / "store.db") as reader:
            return reader.store_id


async def points(influx: InfluxDB) -> Sequence[tuple[int, int, int]]:
    """Return (node, epoch, sequence) of every point in the database."""
    asked = {"db": DATABASE, "q": "SELECT * FROM /.*/", "epoch": "s"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{influx.url}/query", params=asked) as answer,
    ):
        told = await answer.json()
    found = []
    for series in told["results"][0]["series"]:
        at = {name: series["columns"].index(name) for name in ("node", "epoch", "seq")}
        found += [tuple(int(row[at[name]]) for name in at) for row in series["values"]]
    return found  # type: ignore[return-value]


async def test_an_old_backup_goes_on_elsewhere(folder: Path) -> None:
    encrypted = shutil.which("age") is not None  # where it is, as it is meant to be used
    recipients = [pair(folder / "key")] if encrypted else []
    began_s = int(time.time()) - 10_000
    node = SiteNode(NODE)

    def said(*seqs: int) -> list[bytes]:
        return [node.bring(seq, began_s + seq) for seq in seqs]

    with InfluxDB(folder / "influx") as influx:
        one, other = Machine(folder / "1", influx), Machine(folder / "2", influx)
        password, ca = one.broker.credentials.password(NODE), (one.places.settings / "ca.pem").read_text()
        write_keys(one.places.data / "keys.json", {NODE: node.key})
        one.start()
        try:
            async with one.reached_by(node, password, ca) as client:
                await one.hears(client, node, node.status(), *said(*range(10)))
                await asyncio.to_thread(back_up, one.places, folder / "backup", recipients=recipients)
                told = await one.hears(client, node, *said(*range(10, 20)))
            assert told[control.ACK] == [node.epoch & 0xFF, 20]
            await one.all_synced(20)
        finally:
            one.stop()

        identity = folder / "key" if encrypted else None
        restore(other.places, folder / "backup", settings=True, say=lambda _: None, identity=identity)
        other.start()
        try:
            async with other.reached_by(node, password, ca) as client:
                asked = await other.hears(client, node, *said(20))
                assert asked[control.ASK] == control.ASK_STATUS, "which epoch it is, and what is there, first"
                told = await other.hears(client, node, node.status(), *said(20))
                assert told[control.ACK] == [node.epoch & 0xFF, 10, [20, 20]], "it is told what is missing"
                told = await other.hears(client, node, *said(*range(8, 20)))
                assert told[control.ACK] == [node.epoch & 0xFF, 21]
            await other.all_synced(21)
        finally:
            other.stop()

        assert other.records()[:20] == one.records()
        assert [seq for _, _, seq, _ in other.records()] == list(range(21))
        in_influx = Counter(await points(influx))
        assert in_influx == Counter((NODE, node.epoch, seq) for seq in range(21))

    # Node and counter make a nonce (bytes 1 to 5), the store's id its key.
    assert one.store_id() != other.store_id()
    used = [(machine.store_id(), frame[1:6]) for machine in (one, other) for frame in machine.heard]
    assert len(set(used)) == len(used)
