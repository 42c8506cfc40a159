"""The writer thread: what is awaited is on disk, whatever ends the process."""

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from gateway.model import Heard, Record
from gateway.store import Change, Reader, Store, StoreError
from gateway.store.sealing import next_segment, put_in_place
from tests.gateway.store.made import made

# Appends from eight tasks at once for as long as it lives, and says what has been acknowledged to it.
WRITE_FOR_EVER = """
import asyncio, sys
from itertools import count
from pathlib import Path
from gateway.store import Change, Store
from tests.gateway.store.made import made

async def write(store, node, start):
    for seq in count(start, 2):
        await store.append(Change(records=[made(seq, node=node), made(seq + 1, node=node)]))
        print(node, seq, flush=True)

async def main():
    store = Store.open(Path(sys.argv[1]))
    async with asyncio.TaskGroup() as tasks:
        for node in range(8):
            tasks.create_task(write(store, node, int(sys.argv[2])))

asyncio.run(main())
"""


async def test_a_store_keeps_its_id(tmp_path: Path) -> None:
    first = Store.open(tmp_path / "store.db")
    await first.close()
    again = Store.open(tmp_path / "store.db")
    other = Store.open(tmp_path / "other.db")
    assert first.store_id == again.store_id != other.store_id
    assert len(first.store_id) == 8
    await again.close()
    await other.close()


async def test_it_is_written_as_designed(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    with apsw.Connection(str(tmp_path / "store.db")) as db:
        assert db.execute("PRAGMA journal_mode").get == "wal"
        assert db.execute("PRAGMA application_id").get == 0x534E5354
    db.close()
    assert store._db.execute("PRAGMA synchronous").get == 2  # FULL
    await store.close()


async def test_changes_that_queue_share_a_commit(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    outcomes = await asyncio.gather(*(store.append(Change(records=[made(n)])) for n in range(500)))
    assert all(outcome.stored == 1 for outcome in outcomes)
    assert store.commits < 100
    assert [r.seq for r in store.after(0, 500)] == list(range(500))  # in the order of the calls
    await store.close()


async def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    waiting = [asyncio.create_task(store.append(Change(records=[made(n)]))) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert [(await task).stored for task in waiting] == [1] * 20
    with pytest.raises(StoreError, match="closed"):
        await store.append(Change())
    with Reader.open(tmp_path / "store.db") as reader:
        assert reader.last_commit() == 20


async def test_one_bad_change_takes_no_other_with_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    bad = Change(records=[Record(11, 1, 7, 1 << 70, 0, 0, 1, (1,), (0,), "mqtt")])
    changes = [*(Change(records=[made(n)]) for n in range(5)), bad, Change(records=[made(5)])]
    results = await asyncio.gather(*map(store.append, changes), return_exceptions=True)
    assert [type(r).__name__ for r in results] == ["Outcome"] * 5 + ["StoreError", "Outcome"]
    assert [r.seq for r in store.after(0, 10)] == [0, 1, 2, 3, 4, 5]
    await store.close()


async def test_who_gives_up_waiting_stops_nobody(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    task = asyncio.create_task(store.append(Change(records=[made(0)])))
    await asyncio.sleep(0)
    task.cancel()
    assert (await store.append(Change(records=[made(0), made(1)]))).duplicates == 1
    await store.close()


async def test_a_full_disk_is_not_acknowledged(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    pages = store._db.execute("PRAGMA page_count").get
    store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="full"):
        await store.append(Change(records=[made(n) for n in range(5000)]))
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert (await store.append(Change(records=[made(n) for n in range(5000)]))).stored == 5000
    await store.close()


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    acknowledged: set[tuple[int, int]] = set()
    for round_ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(path), str(round_ * 100_000)],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        ) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(30 + 57 * round_)]
            child.send_signal(signal.SIGKILL)
            lines += child.stdout.readlines()
        whole = [line.split() for line in lines if line.endswith("\n")]
        acknowledged |= {(int(node), int(seq) + i) for node, seq in whole for i in (0, 1)}
        with Reader.open(path) as reader:
            stored = [(node, seq) for node, _, seq, _ in reader.identities()]
            assert len(stored) == len(set(stored))
            assert acknowledged <= set(stored)
            for node in range(8):  # what is heard is what is stored, never more
                heard = {n for a, b in reader.heard(node, 0xA1B2C3D4) for n in range(a, b + 1)}
                assert heard == {seq for n, seq in stored if n == node}
    assert len(acknowledged) > 500


async def test_every_receiver_of_a_frame_stays_with_its_records(tmp_path: Path) -> None:
    by = (Heard("c1", -101, 4.25, 9), Heard("c2", -118, -9.0, 9))
    store = Store.open(tmp_path / "store.db")
    await store.append(Change(records=[replace(made(n), receivers=by if n % 2 else ()) for n in range(40)]))
    await store.close()
    store = Store.open(tmp_path / "store.db")
    hot = store.after(0, 100)
    assert [r.receivers for r in hot] == [(), by] * 20
    segment = next_segment(store.reader.connection, everything=True)
    assert segment is not None
    await store.perform(lambda db: put_in_place(db, segment, 0))
    assert [r.receivers for r in store.after(0, 100)] == [(), by] * 20
    await store.close()
