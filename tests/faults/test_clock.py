"""The gateway's clock starts in 1970, jumps by an hour, and is put right: records keep their times."""

import random
from pathlib import Path

import pytest

from gateway.ingest import Ingest
from gateway.model import Downlink, Uplink
from gateway.store import Store
from gateway.store.pruning import Limits
from gateway.store.upkeep import Upkeep
from tests.gateway.talking_node import GATEWAY_ID, NOON_MS, NOON_S, SCHEMAS, TalkingNode, key_of, record
from wire import control

HOUR_MS = 3_600_000


class Machine:
    """A gateway whose clock is off by `shift_ms`; `now_ms` is the true time."""

    def __init__(self, store: Store) -> None:
        self.now_ms, self.shift_ms = NOON_MS, 0
        self.synchronised = True
        self.ingest = Ingest(
            store, keys={11: key_of(11)}, schemas=SCHEMAS, gateway_id=GATEWAY_ID,
            now_ms=lambda: self.shown_ms, trusted=lambda: self.synchronised,
        )  # fmt: skip
        self.upkeep = Upkeep(store, Limits(), lambda: self.shown_ms)

    @property
    def shown_ms(self) -> int:
        return self.now_ms + self.shift_ms

    async def hear(self, frame: bytes) -> list[Downlink]:
        return await self.ingest.accept([Uplink(frame, self.shown_ms, "mqtt")])


async def test_it_starts_in_1970(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    machine, node = Machine(store), TalkingNode()
    machine.shift_ms, machine.synchronised = -NOON_MS + 60_000, False
    assert await machine.hear(node.status()) == []  # nobody is told the time, nor welcomed
    await machine.upkeep.look()
    machine.shift_ms, machine.synchronised = 0, True
    assert node.hear(await machine.hear(node.status()))[control.EPOCH_OK] == node.epoch
    # Now it restarts without a network: who knows this store may go on reporting.
    machine.shift_ms, machine.synchronised = -NOON_MS + 60_000, False
    times = [NOON_S - 1200, NOON_S - 600, NOON_S]
    told = node.hear(await machine.hear(node.data(*(record(n, t) for n, t in enumerate(times)))))
    assert told[control.ACK] == [node.epoch & 0xFF, 3]
    await machine.upkeep.look()
    stored = store.after(0, 9)
    assert [(r.seq, r.measured_at_s, r.moved) for r in stored] == [(n, t, False) for n, t in enumerate(times)]
    machine.shift_ms, machine.synchronised = 0, True
    await machine.upkeep.look()
    assert machine.upkeep.conditions() == []
    await store.close()


@pytest.mark.parametrize("seed", range(6))
async def test_steps_of_an_hour_change_no_record(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    store = Store.open(tmp_path / "store.db")
    machine, node = Machine(store), TalkingNode()
    node.hear(await machine.hear(node.status()))
    expected = []
    for seq in range(40):
        machine.now_ms += 600_000
        if chance.random() < 0.3:  # only before a time server is heard can a clock be off
            machine.shift_ms = chance.choice((-HOUR_MS, 0, HOUR_MS))
            machine.synchronised = machine.shift_ms == 0
            await machine.upkeep.look()
        at_s = machine.now_ms // 1000 - 3
        expected.append((seq, at_s))
        downlinks = await machine.hear(node.data(record(seq, at_s)))
        assert node.hear(downlinks)[control.ACK] == [node.epoch & 0xFF, seq + 1]
    assert [(r.seq, r.measured_at_s) for r in store.after(0, 99)] == expected
    await store.close()
