"""Nodes that report through a real broker as fast as they are acknowledged, and remember what was."""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiomqtt

from device_configs import compile as compiled
from device_configs.keys import write_keys
from device_configs.model import Site
from gateway.model import Downlink
from tests.gateway.talking_node import TalkingNode
from tools.servers import HOST
from wire import control
from wire.frame import ACK_REQUESTED, DATA, FrameError
from wire.quantities import QUANTITIES
from wire.records import Record, encode

ANSWER_S = 0.5
TOGETHER = 12  # records of one frame
WAITING_MOST = 60

Identity = tuple[int, int, int, tuple[int | None, ...]]  # node, epoch, sequence, values


class LoadNode(TalkingNode):
    """`made` holds every record, `acknowledged` the sequences the gateway has said are stored."""

    def __init__(self, node: int, key: bytes, schema: int, quantities: tuple[int, ...], seed: int) -> None:
        self.chance = random.Random(seed * 1000 + node)
        super().__init__(node, epoch=self.chance.randrange(1 << 32), key=key)
        self.schema, self.quantities = schema, quantities
        self.made: dict[int, Record] = {}
        self.acknowledged: set[int] = set()
        self._at_s = int(time.time()) - 50_000

    def sample(self) -> None:
        seq = len(self.made)
        self._at_s += self.chance.choice((0, 1, 1, 2))  # now and then two in a second
        values = tuple(
            None if self.chance.random() < 0.05 else self.chance.randint(q.lo, min(q.hi, q.lo + 30_000))
            for q in (QUANTITIES[n] for n in self.quantities)
        )
        self.made[seq] = Record(seq, self._at_s, values, tuple(1 if v is None else 0 for v in values))

    @property
    def waiting(self) -> list[int]:
        return sorted(self.made.keys() - self.acknowledged)

    def report(self) -> bytes:
        """Return a frame of records not acknowledged: mostly the oldest, at times the newest."""
        waiting = self.waiting
        chosen = waiting[:TOGETHER] if self.chance.random() < 0.7 else waiting[-TOGETHER:]
        run = [seq for i, seq in enumerate(chosen) if seq == chosen[0] + i]
        records = [self.made[seq] for seq in run]
        flags, body = encode(self.schema, self.quantities, self.epoch, None, records)
        return self.seal(DATA, flags | ACK_REQUESTED, body)

    def take(self, payload: bytes, known: bool) -> bool:
        """Hear a downlink; return whether the gateway knows this node's epoch now. `known`: it did before."""
        try:
            told = self.hear([Downlink(self.node, payload)])
        except (FrameError, AssertionError):
            return known  # under a key this node does not have yet
        if control.ACK in told:
            short, upto, *ranges = told[control.ACK]
            if short == self.epoch & 0xFF:
                self.acknowledged.update(range(min(upto, len(self.made))))
                for first, last in ranges:
                    self.acknowledged.update(range(first, min(last + 1, len(self.made))))
        if control.ASK in told:  # another store, which wants a STATUS first
            return False
        return known or told.get(control.EPOCH_OK) == self.epoch

    @property
    def identities(self) -> set[Identity]:
        return {(self.node, self.epoch, r.seq, r.values) for r in self.made.values()}


def load_nodes(site: Site, state: Path, seed: int) -> list[LoadNode]:
    """Return every node of the site, with a key of its own in the state directory's key store."""
    schemas = compiled.schemas(site)
    keys = {node.id: secrets.token_bytes(16) for node in site.nodes}
    write_keys(state / "keys.json", keys)
    return [
        LoadNode(node.id, keys[node.id], schema := node.profile.schema_id, schemas[schema], seed)
        for node in site.nodes
    ]


class Load:
    """All nodes of a site; `sampling` off, they only bring what they have."""

    def __init__(self, site: str, port: int, nodes: Sequence[LoadNode]) -> None:
        self.nodes: Mapping[int, LoadNode] = {node.node: node for node in nodes}
        self.sampling = True
        self._site, self._port = site, port
        self._heard = {node.node: asyncio.Queue[bytes]() for node in nodes}

    async def run(self) -> None:
        """Until cancelled; a broker that goes away is waited for."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(HOST, self._port) as client:
                    await client.subscribe(f"sn/{self._site}/+/down")
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._listen(client))
                        for node in self.nodes.values():
                            tasks.create_task(self._live(client, node))
            await asyncio.sleep(0.2)

    async def settled(self, timeout_s: float = 60.0) -> None:
        """Stop sampling and wait until everything is acknowledged. Raises TimeoutError, naming who waits."""
        self.sampling = False
        end = time.monotonic() + timeout_s
        while waiting := {n.node: n.waiting[:5] for n in self.nodes.values() if n.waiting}:
            if time.monotonic() > end:
                raise TimeoutError(f"not acknowledged: {waiting}")
            await asyncio.sleep(0.05)

    @property
    def identities(self) -> set[Identity]:
        return set().union(*(node.identities for node in self.nodes.values()))

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            node = int(str(message.topic).split("/")[2])
            self._heard[node].put_nowait(bytes(message.payload))

    async def _live(self, client: aiomqtt.Client, node: LoadNode) -> None:
        known, heard = False, self._heard[node.node]
        while True:
            if self.sampling and len(node.waiting) < WAITING_MOST:
                for _ in range(node.chance.choice((1, 1, 3, TOGETHER))):
                    node.sample()
            if known and not node.waiting:
                await asyncio.sleep(0.05)
                continue
            frame = node.report() if known else node.status()
            await client.publish(f"sn/{self._site}/{node.node}/up", frame)
            try:
                async with asyncio.timeout(ANSWER_S):
                    known = node.take(await heard.get(), known)
            except TimeoutError:
                known = known and node.chance.random() < 0.7  # a restarted gateway may want a STATUS
            while not heard.empty():
                known = node.take(heard.get_nowait(), known)
            await asyncio.sleep(node.chance.random() * 0.02)
