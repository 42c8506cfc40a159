"""What pages still hold of a store whose tables lead nowhere any more."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.store import Change, Store, sealing
from gateway.store.pruning import segments
from gateway.store.sealing import next_segment
from gateway.store.upkeep import seal
from tests.gateway.store.made import made


@pytest.mark.parametrize(("lost_kb", "least"), [(4, 1.0), (64, 0.8)])
async def test_a_store_without_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost_kb: int, least: float
) -> None:
    """The first page, which leads to all others, or a stretch of a card."""
    path = tmp_path / "store.db"
    monkeypatch.setattr(sealing, "LEAST", 1000)
    store = Store.open(path)
    had = set()
    noise = random.Random(lost_kb)
    for start in range(0, 10_000, 1000):
        records = [
            replace(made(n, node=node), values=tuple(noise.choices(range(1 << 30), k=3)))
            for n in range(start, start + 1000)
            for node in (11, 12)
        ]
        await store.append(Change(records=records))
        had |= {(r.node, r.seq, r.values) for r in records}
        while (segment := next_segment(store.reader.connection)) is not None:
            await seal(store, segment, 5)
    last = store.reader.last_commit()
    await store.close()
    with path.open("r+b") as file:
        file.write(bytes(lost_kb * 1024))
    store = Store.open(path)
    assert store.salvaged is not None
    stored = [(r.node, r.seq, r.values) for r in store.after(0, 99_999)]
    assert len(stored) == len(set(stored)) == store.salvaged.records
    assert set(stored) <= had
    assert len(stored) >= least * len(had)
    assert len(segments(store.reader.connection)) > 1
    assert store.reader.last_commit() == last  # no number is given twice
    one = [r.seq for r in store.reader.history(12, 0, 1 << 40)]
    assert len(one) == sum(node == 12 for node, *_ in stored)
    assert (await store.append(Change(records=[made(9_999)]))).duplicates == 1
    await store.close()
