"""A node that lost its frame counter goes on under another key; what was sealed before is worth nothing."""

import pytest

from gateway.model import Refusal
from gateway.store import Change, Outcome, StoreError
from tests.gateway.ingest_bench import Bench
from tests.gateway.talking_node import NOON_S, TalkingNode, key_of, record
from wire import control
from wire.frame import ACK_REQUESTED, JOIN, pack_header


async def test_a_node_that_lost_its_counter_goes_on_in_another_life(bench: Bench, node: TalkingNode) -> None:
    await bench.take(node.status(clock=[1, 5_000_000], next=1))
    await bench.take(node.data(record(0)))
    old = list(node.frames)
    node.begin(1)
    assert await bench.take(node.data(record(1))) == [], "nobody knows yet of this life"
    node.epoch = 0x77777777
    told = node.hear(await bench.take(node.status(clock=[1, 3_000], next=1)))
    assert told[control.EPOCH_OK] == node.epoch
    told = node.hear(await bench.take(node.data(record(0, 2), clock=1)))
    assert told == {control.ACK: [0x77, 1]}
    placed = bench.store.after(0, 10)[-1]
    assert placed.measured_at_s == NOON_S - 1, "by the clock of this life, not by one with the same id before"
    assert await bench.take(*old) == [], "frames of the old life are worth nothing"
    assert await bench.take(*node.frames[len(old) + 1 :]) == []
    refused = bench.refused()
    assert refused[Refusal.BAD_TAG] == 1 + len(old)
    assert refused[Refusal.REPLAY] == 2
    await bench.restart()
    assert await bench.take(*old, *node.frames[len(old) + 1 :]) == []
    assert node.hear(await bench.take(node.data(record(1, 3), clock=1))) == {control.ACK: [0x77, 2]}


async def test_a_life_that_is_over_does_not_come_back(bench: Bench, node: TalkingNode) -> None:
    node.begin(2)
    second = node.status()
    await bench.take(second)
    node.begin(1)
    assert await bench.take(node.status()) == []
    node.begin(2)
    node.counter = 1
    assert len(await bench.take(node.status())) == 1
    assert bench.refused() == {Refusal.REPLAY: 1}


async def test_a_gateway_that_knows_an_earlier_life_only_learns_of_the_present_one_by_a_status(
    bench: Bench, node: TalkingNode
) -> None:
    """As after a backup from before the node lost its flash was restored."""
    for life in (1, 7):
        node.begin(life)
        await bench.introduce(node)
        node.hear(await bench.take(node.data(record(life))))
    assert bench.stored() == [1, 7]


async def test_a_new_key_begins_at_its_first_life(bench: Bench, node: TalkingNode) -> None:
    node.begin(3)
    await bench.introduce(node)
    other = bytes(range(16))
    await bench.restart({11: other, 12: key_of(12)})
    fresh = TalkingNode(11, key=other)
    await bench.introduce(fresh)


@pytest.mark.parametrize("size", [14, 15, 16, 40])
async def test_what_only_looks_like_a_join_changes_nothing(
    bench: Bench, node: TalkingNode, size: int
) -> None:
    head = pack_header(JOIN, ACK_REQUESTED, 11, 5)
    assert await bench.take((head + b"\0\x09" + bytes(60))[:size]) == []
    assert bench.refused() == {Refusal.BAD_TAG: 1}
    node.hear(await bench.take(node.data(record(0))))


async def test_a_store_that_takes_nothing_does_not_lose_a_life(
    bench: Bench, node: TalkingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(change: Change) -> Outcome:
        raise StoreError("the card is full")

    node.begin(1)
    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "append", refuse)
        assert await bench.take(node.status()) == []
    await bench.introduce(node)
    node.hear(await bench.take(node.data(record(0))))
    assert bench.stored() == [0]


async def test_a_store_that_was_put_back_asks_which_epoch_it_is_before_it_takes_records(
    bench: Bench, node: TalkingNode
) -> None:
    """The node may have been formatted since the backup, and its new epoch may look like the old one."""
    await bench.take(node.data(record(0), record(1), record(2)))
    await bench.store.perform(lambda db: db.execute("UPDATE nodes SET welcomed = 0").fetchall())
    await bench.restart()
    node.epoch = 0x5555_0000 | (node.epoch & 0xFF)
    assert node.hear(await bench.take(node.data(record(0, value=13_000))))[control.ASK] == control.ASK_STATUS
    told = node.hear(await bench.take(node.status(next=1)))
    assert told[control.ACK] == [node.epoch & 0xFF, 0], "nothing of this epoch is known"
    told = node.hear(await bench.take(node.data(record(0, value=13_000))))
    assert told[control.ACK] == [node.epoch & 0xFF, 1]
    assert [(r.epoch == node.epoch, r.seq) for r in bench.store.after(0, 9)] == [
        (False, 0), (False, 1), (False, 2), (True, 0)
    ]  # fmt: skip
