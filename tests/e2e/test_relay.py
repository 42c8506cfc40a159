"""Two gateways, each with its concentrator: what one hears of the other's node is handed on, and answered."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from device_configs.keys import write_keys
from device_configs.loader import SITES, load_site
from gateway.carriers import semtech
from gateway.clock import utc_ms
from gateway.model import Downlink, Record
from gateway.store import Reader
from tests.gateway.talking_node import TalkingNode
from tools.gateway_command import app
from tools.installation.authority import make_authority, make_server
from tools.node.credentials import Credentials
from tools.programs import Gateway
from tools.servers import HOST, Mosquitto, free_port
from wire import control
from wire.frame import ACK_REQUESTED, DATA, parse_header
from wire.records import Record as Sampling
from wire.records import encode

pytestmark = [pytest.mark.servers, pytest.mark.slow]
PATIENCE_S = 120
# The longest answer delay there is: an answer has to find its way there and back in it, on any machine.
RADIO = (
    "lora: {frequency_khz: 868100, spreading_factor: 9, bandwidth_khz: 125, power_dbm: 14,"
    " answer_delay_ms: 5000}"
)
OURS, THEIRS = 11, 21
ID = {"home": "narvik-demo", "other": "sor"}


class Concentrator(asyncio.DatagramProtocol):
    """A packet forwarder of a few lines; `answers` are what its gateway would have it send."""

    def __init__(self, number: int, port: int) -> None:
        self._eui, self._port = number.to_bytes(8, "big"), port
        self._ticks_us = 0
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=(HOST, self._port))

    def close(self) -> None:
        self._transport.close()

    def hear(self, frame: bytes, snr_db: float) -> None:
        """Pass on a frame, ten seconds by the concentrator's clock after the last: answers do not overlap."""
        self._ticks_us = (self._ticks_us + 10_000_000) % semtech.TMST
        rxpk = {
            "tmst": self._ticks_us, "freq": 868.1, "stat": 1, "modu": "LORA", "datr": "SF9BW125",
            "rssi": -110, "lsnr": snr_db, "size": len(frame), "data": base64.b64encode(frame).decode(),
        }  # fmt: skip
        self._transport.sendto(b"\x02\0\0\x02" + self._eui)
        self._transport.sendto(b"\x02\0\0\0" + self._eui + json.dumps({"rxpk": [rxpk]}).encode())

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data[3] == semtech.PULL_RESP:
            self.answers.put_nowait(base64.b64decode(json.loads(data[4:])["txpk"]["data"]))

    def error_received(self, exc: Exception) -> None:
        """Its gateway is not there yet."""


class Place:
    """One gateway with its site, its broker and its concentrator."""

    def __init__(self, folder: Path, name: str, node: int, number: int, relay: str = "") -> None:
        self.state, self.site, self.node = folder / name, folder / ID[name], TalkingNode(node)
        shutil.copytree(SITES / "narvik-demo", self.site)
        text = (self.site / "site.yaml").read_text().replace("id: narvik-demo", f"id: {ID[name]}")
        (self.site / "site.yaml").write_text(f"{text}\n{RADIO}\n{relay}\n")
        self.state.mkdir()
        write_keys(self.state / "keys.json", {node: self.node.key})
        self.credentials = Credentials(self.state, ID[name])
        password = self.state / "broker-password"
        password.write_text(self.credentials.gateway())
        files = self.state / "broker"
        self.tls_port = free_port()
        settings = [
            "allow_anonymous false",
            f"password_file {files / 'passwords'}",
            f"acl_file {files / 'access'}",
        ]
        if name == "home":
            make_authority(folder, "home")
            make_server(folder, folder, [])
            settings += [
                f"listener {self.tls_port} {HOST}",
                f"certfile {folder / 'server.pem'}",
                f"keyfile {folder / 'server.key'}",
            ]
        self.broker = Mosquitto(folder / f"{name}-broker", settings=settings)
        self._udp = free_port()
        self._password = password
        self.concentrator = Concentrator(number, self._udp)
        self._profile = load_site(self.site).node(node).profile

    async def start(self, stack: ExitStack) -> None:
        stack.callback(self.broker.stop)
        await asyncio.to_thread(self.broker.start)
        address = f"{HOST}:{self.broker.port}"
        forwarders = ["--packet-forwarder", f"{HOST}:{self._udp}"]
        self.gateway = Gateway(self.state, self.site, address, self._password, free_port(), radios=forwarders)
        stack.callback(self.gateway.stop)
        await asyncio.to_thread(self.gateway.start)
        await self.concentrator.open()
        stack.callback(self.concentrator.close)

    def report(self, seq: int) -> bytes:
        values = {11: (9000, 9100, 300, -200, 3600), 21: (2400, 5, -300, 3600)}[self.node.node]
        sampling = Sampling(seq, utc_ms() // 1000 - 60 + seq, values, (0,) * len(values))
        quantities = self._profile.quantities
        flags, body = encode(self._profile.schema_id, quantities, self.node.epoch, None, [sampling])
        return self.node.seal(DATA, flags | ACK_REQUESTED, body)

    def stored(self) -> dict[int, Record]:
        with Reader.open(self.state / "store.db") as reader:
            return {record.seq: record for record in reader.after(0, 1000)}  # type: ignore[misc]

    async def said(self) -> dict[str, Any]:
        """What the gateway says of its carriers, by name."""
        status: Any = await asyncio.to_thread(self.gateway.status)
        return {carrier["name"]: carrier for carrier in status["carriers"]}


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.05)


async def answered(node: TalkingNode, ear: Concentrator, mouth: Concentrator, frame: Any) -> dict[int, Any]:
    """Send until there is an answer: a packet by UDP may be lost, and an answer come too late."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            mouth.hear(frame(), 1.0)
            try:
                async with asyncio.timeout(10):  # more than a receive window can be ahead
                    while parse_header(answer := await ear.answers.get()).node != node.node:
                        pass  # what somebody else was owed
            except TimeoutError:
                continue
            return node.hear([Downlink(node.node, answer)])


@asynccontextmanager
async def places(folder: Path) -> AsyncIterator[tuple[Place, Place]]:
    home = Place(folder, "home", OURS, 0xA)
    word = CliRunner().invoke(
        app, ["relay", "sor", "--site", str(home.site), "--state", str(home.state), "--json"]
    )
    assert word.exit_code == 0, word.output
    relay = f"relay: [{{site: {ID['home']}, broker: '{HOST}:{home.tls_port}', name: sor}}]"
    other = Place(folder, "other", THEIRS, 0xB, relay)
    keys = other.state / "relay"
    keys.mkdir()
    (keys / f"{ID['home']}.password").write_text(json.loads(word.stdout)["password"])
    shutil.copy(folder / "ca.pem", keys / f"{ID['home']}.pem")
    with ExitStack() as stack:
        for place in (home, other):
            await place.start(stack)
        await until(lambda: connected(other))
        await until(lambda: connected(home, "mqtt"))
        yield home, other


async def connected(place: Place, way: str = f"relay to {ID['home']}") -> bool:
    return bool((await place.said())[way]["connected"])


async def test_a_node_is_heard_and_answered_through_the_gateway_of_another_site(tmp_path: Path) -> None:
    async with places(tmp_path) as (home, other):
        node = home.node
        told = await answered(node, other.concentrator, other.concentrator, node.status)
        assert told[control.EPOCH_OK] == node.epoch
        seqs = iter(range(1000))
        told = await answered(node, other.concentrator, other.concentrator, lambda: home.report(next(seqs)))
        last = max(home.stored())
        assert told[control.ACK] in ([0xD4, upto] for upto in range(1, last + 2))  # an answer may be late
        record = home.stored()[last]
        assert [heard.receiver for heard in record.receivers] == ["sor/000000000000000b"]
        assert (record.carrier, record.rssi_dbm) == ("lora", -110)

        # Heard by both: taken once, and no attack.
        frame = home.report(last + 1)
        other.concentrator.hear(frame, -5.0)
        await until(lambda: last + 1 in home.stored())
        home.concentrator.hear(frame, 7.0)
        status: Any = {}

        async def again() -> bool:
            nonlocal status
            status = await asyncio.to_thread(home.gateway.status)
            return bool(status["refusals"].get("heard_again"))

        await until(again)
        assert "replay" not in status["refusals"]
        heard = {r["receiver"] for n in status["nodes"] if n["node"] == OURS for r in n["receptions"]}
        assert heard == {"sor/000000000000000b", "000000000000000a"}

        # The other gateway keeps nothing of it, and its own node knows nothing of all this.
        assert other.stored() == {}
        told = await answered(other.node, other.concentrator, other.concentrator, other.node.status)
        assert told[control.EPOCH_OK] == other.node.epoch
        assert set(home.stored()) == set(range(last + 2))


async def test_a_home_that_can_not_be_reached_hinders_nobody(tmp_path: Path) -> None:
    async with places(tmp_path) as (home, other):
        await asyncio.to_thread(home.broker.stop)

        async def gone() -> bool:
            return not await connected(other)

        await until(gone)
        told = await answered(other.node, other.concentrator, other.concentrator, other.node.status)
        assert told[control.EPOCH_OK] == other.node.epoch
        other.concentrator.hear(home.node.status(), 1.0)

        async def dropped() -> bool:
            counts = (await other.said())[f"relay to {ID['home']}"].get("counts", {})
            return "dropped: no way to the home" in counts

        await until(dropped)
        told = await answered(home.node, home.concentrator, home.concentrator, home.node.status)
        assert told[control.EPOCH_OK] == home.node.epoch, "its own concentrator needs no broker"
        await asyncio.to_thread(home.broker.start)
        await until(lambda: connected(other))
        await until(lambda: connected(home, "mqtt"))
        told = await answered(home.node, other.concentrator, other.concentrator, home.node.status)
        assert told[control.EPOCH_OK] == home.node.epoch
