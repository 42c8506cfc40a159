"""An ingest over a real store, and a clock that stands still."""

from collections import Counter
from pathlib import Path

from gateway.ingest import Ingest
from gateway.model import Downlink, Refusal
from gateway.store import Store
from tests.gateway.talking_node import GATEWAY_ID, NOON_MS, SCHEMAS, TalkingNode, key_of, uplink
from wire import control

NODES = (11, 12)


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_ms = NOON_MS
        self.trusted = True
        self.start()

    def start(self, keys: dict[int, bytes] | None = None) -> None:
        self.store = Store.open(self.path, lambda: self.now_ms)
        self.ingest = Ingest(
            self.store,
            keys=keys or {node: key_of(node) for node in NODES},
            schemas=SCHEMAS,
            gateway_id=GATEWAY_ID,
            now_ms=lambda: self.now_ms,
            trusted=lambda: self.trusted,
        )

    async def restart(self, keys: dict[int, bytes] | None = None) -> None:
        await self.store.close()
        self.start(keys)

    async def take(self, *frames: bytes) -> list[Downlink]:
        return await self.ingest.accept([uplink(frame, self.now_ms) for frame in frames])

    async def introduce(self, node: TalkingNode, **said: object) -> None:
        told = node.hear(await self.take(node.status(**said)))
        assert told[control.EPOCH_OK] == node.epoch

    def stored(self) -> list[int]:
        return [r.seq for r in self.store.after(0, 1000)]

    def refused(self) -> dict[Refusal, int]:
        causes: Counter[Refusal] = Counter()
        for (cause, _), count in self.ingest.totals.items():
            causes[cause] += count
        return dict(causes)
