"""Whatever is damaged: the store opens, says so, and has what could be read."""

import random
from pathlib import Path

import apsw
import pytest

from gateway.model import Epoch, NodeState
from gateway.store import Change, Reader, Store, sealing
from gateway.store.pruning import note_synced, prune, segments
from gateway.store.sealing import next_segment
from gateway.store.upkeep import seal
from tests.gateway.store.made import made

EPOCH = 0xA1B2C3D4
PAGE = 4096
NOW_MS = 1_795_000_000_123


async def filled(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, set[tuple[int, int]]]:
    """A store with pruned, sealed and hot records of two nodes; return its id and what it has."""
    monkeypatch.setattr(sealing, "LEAST", 400)
    store = Store.open(path)
    await store.append(
        Change(nodes=[NodeState(11, b"checkme!", 40, 7, True, 1024)], epochs=[Epoch(11, EPOCH, 1)])
    )
    await store.append(Change(records=[made(n, node=node) for n in range(1000) for node in (11, 12)]))
    for _ in range(3):
        segment = next_segment(store.reader.connection, everything=True)
        assert segment is not None
        await seal(store, segment, 5)
    await store.perform(lambda db: note_synced(db, [(1, 400)]))
    await store.perform(lambda db: prune(db, segments(db)[0], 6))
    had = {(node, seq) for node, _, seq, _ in store.reader.identities()}
    assert len(had) == 1600
    store_id = store.store_id
    await store.close()
    return store_id, had


def present(store: Store) -> set[tuple[int, int]]:
    found = [(node, seq) for node, _, seq, _ in store.reader.identities()]
    assert len(found) == len(set(found))
    return set(found)


def heard(reader: Reader, node: int) -> set[int]:
    return {n for first, last in reader.heard(node, EPOCH) for n in range(first, last + 1)}


def spoil(path: Path, page: int, rubbish: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(PAGE * page)
        file.write(rubbish)


async def damaged(path: Path, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open a store one page of which is rubbish, and check what must hold whichever page that is."""
    store_id, had = await filled(path, monkeypatch)
    spoil(path, page, random.Random(page).randbytes(PAGE))
    store = Store.open(path, clock=lambda: NOW_MS)
    reader = store.reader
    found = present(store)
    again = found - had  # what is known to be pruned may be forgotten, and is still in free pages
    assert again <= {(node, seq) for node in (11, 12) for seq in range(200)}
    if store.salvaged is None:  # a page nobody reads: everything is as it was
        assert (store.store_id, found) == (store_id, had)
    else:
        assert store.store_id != store_id
        assert store.salvaged.aside == path.with_name(f"store.db.damaged-{NOW_MS}")
        assert store.salvaged.aside.exists()
        for node in (11, 12):  # what is not there is not heard, so that its node may send it again
            assert heard(reader, node) - {seq for n, seq in found if n == node} <= set(range(200))
    new = await store.append(Change(records=[made(5000)]))
    assert new.stored == 1
    gone = sorted(had - found)
    outcome = await store.append(Change(records=[made(seq, node=node) for node, seq in gone]))
    assert outcome.stored == len(gone)
    assert present(store) == had | again | {(11, 5000)}
    if found:
        assert store.reader.last_commit() >= 2000  # no number is given twice
    await store.close()
    assert Store.open(path).salvaged is None  # and it is whole now


@pytest.mark.parametrize("part", range(8))
async def test_any_page_may_be_rubbish(tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "look"
    folder.mkdir()
    await filled(folder / "store.db", monkeypatch)
    pages = (folder / "store.db").stat().st_size // PAGE
    for page in range(part, pages, 24):
        place = tmp_path / str(page)
        place.mkdir()
        await damaged(place / "store.db", page, monkeypatch)


@pytest.mark.parametrize(
    "content", [b"no database at all, only text. " * 200, b"\0" * 9000, b"SQLite format 3\0"]
)
async def test_what_is_no_database_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    store = Store.open(path)
    assert store.salvaged is not None
    assert store.salvaged.records == store.salvaged.missing == 0
    assert store.salvaged.aside.read_bytes() == content
    await store.close()


async def test_most_of_a_store_survives_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    await filled(path, monkeypatch)
    with apsw.Connection(str(path)) as db:
        leaf = db.execute("SELECT max(pageno) FROM dbstat WHERE name = 'records' AND pagetype = 'leaf'").get
    db.close()
    assert isinstance(leaf, int)
    spoil(path, leaf - 1, b"\xff" * PAGE)
    store = Store.open(path)
    assert store.salvaged is not None
    assert 0 < store.salvaged.missing < 100
    assert store.salvaged.records + store.salvaged.missing == 1600
    assert [state.downlink_reserved for state in store.reader.nodes()] == [1024]
    await store.close()
