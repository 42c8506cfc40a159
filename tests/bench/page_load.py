"""A whole gateway with its page, handed frames as fast as it takes them; and a store filled without one."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from device_configs import compile as compiled
from device_configs.model import Node, Site
from gateway.app import Gateway, Settings
from gateway.carriers.mqtt import Broker
from gateway.model import Downlink, Record, Uplink
from gateway.store import STORE_NAME, Change, Store
from gateway.web.server import Address, Page
from tests.bench.traffic import GATEWAY_ID, epoch_of, key_of
from wire import control
from wire import records as wire_records
from wire.frame import ACK_REQUESTED, CONTROL, DATA, pack_header
from wire.seal import uplink_cipher

INTERVAL_S, DAY_S = 600, 86_400
BATCH = 50  # frames that wait together, as they do behind a busy broker
_VALUES = {
    "intake": (7200, 6900, 420, 550, 3580),
    "snow": (3000, 5, -650, 3610),
    "energy": (80_000, 0, None, None, 9000, 0, 115_000, 115_000, 115_000, 2310, 2314, 2307, None, None),
}


def values_of(node: Node, seq: int) -> tuple[int | None, ...]:
    """Return a record's values, the first one moving."""
    known = _VALUES[node.profile.name][: len(node.profile.channels)]
    first = known[0]
    assert first is not None
    return first + seq % 50 * 4, *known[1:]


def _quality(values: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(1 if value is None else 0 for value in values)


def stored(site: Site, path: Path, now_s: int) -> None:
    """Fill a store with a day of records of each node."""

    async def fill() -> None:
        store = Store.open(path)
        try:
            for seq in range(DAY_S // INTERVAL_S):
                at_s = now_s - DAY_S + (seq + 1) * INTERVAL_S
                made = [_record(node, seq, at_s) for node in site.nodes]
                await store.append(Change(records=made))
        finally:
            await store.close()

    asyncio.run(fill())


def _record(node: Node, seq: int, at_s: int) -> Record:
    values = values_of(node, seq)
    at_ms = 1000 * at_s
    head = (node.id, epoch_of(node.id), seq, at_s, 0, at_ms, node.profile.schema_id)
    return Record(*head, values, _quality(values), "mqtt", -70, None)


@dataclass
class Feed:
    """A carrier that hands in `frames`, a batch at a time, once it is told to; `done` is set at the end."""

    site: Site
    frames: int
    name: str = "bench"
    connected: bool = True
    go: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    spent_s: float = 0.0

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        ready = list(self._sealed())
        yield ready[: len(self.site.nodes)]
        await self.go.wait()
        begun = time.process_time()
        for at in range(len(self.site.nodes), len(ready), BATCH):
            yield ready[at : at + BATCH]
        self.spent_s = time.process_time() - begun
        self.done.set()
        await asyncio.sleep(3600)

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        del downlinks

    def _sealed(self) -> Iterator[Uplink]:
        now_s, nodes = int(time.time()), self.site.nodes
        ciphers = {node.id: uplink_cipher(key_of(node.id)) for node in nodes}
        for node in nodes:
            body = control.encode({control.EPOCH: epoch_of(node.id), control.NEXT: 0})
            header = pack_header(CONTROL, ACK_REQUESTED, node.id, 0)
            yield Uplink(ciphers[node.id].seal(header, body), 1000 * now_s, "mqtt", -70, None)
        for i in range(self.frames):
            node, seq = nodes[i % len(nodes)], i // len(nodes)
            values = values_of(node, seq)
            at_s = now_s - 60 * (self.frames // len(nodes) - seq)
            record = wire_records.Record(seq, at_s, values, _quality(values))
            profile = node.profile
            flags, body = wire_records.encode(
                profile.schema_id, profile.quantities, epoch_of(node.id), None, [record]
            )
            header = pack_header(DATA, flags | ACK_REQUESTED, node.id, seq + 1)
            yield Uplink(ciphers[node.id].seal(header, body), 1000 * now_s, "mqtt", -70, None)


@dataclass(frozen=True, slots=True)
class Load:
    """What a process of its own runs: gateway, store in `state`, page on `port`."""

    site: Site
    state: Path
    port: int
    frames: int

    def run(self, asked: Connection) -> None:
        """Wait for a word, take the frames, and answer with the CPU seconds that took."""
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        asyncio.run(self._run(asked))

    async def _run(self, asked: Connection) -> None:
        site, state = self.site, self.state
        keys = {node.id: key_of(node.id) for node in site.nodes}
        settings = Settings(site.id, GATEWAY_ID, keys, compiled.schemas(site), state, Broker(), rules=site)
        store = Store.open(state / STORE_NAME)
        feed, stop = Feed(site, self.frames), asyncio.Event()
        gateway = Gateway(settings, store, carriers=[feed])
        page = Page(site, state, state / STORE_NAME, Address("127.0.0.1", self.port))
        running = asyncio.create_task(gateway.run(stop))
        page.start(gateway.alerts.standing if gateway.alerts else None)
        await asyncio.to_thread(asked.recv)
        feed.go.set()
        await feed.done.wait()
        asked.send(feed.spent_s)
        stop.set()
        await running
        await asyncio.to_thread(page.stop)
        await store.close()
