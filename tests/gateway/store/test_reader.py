"""Reading beside the writer, from the same process and from another one."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model import Epoch, LedgerLine
from gateway.store import Change, Reader, Store, StoreError
from tests.gateway.store.made import made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "store.db")
    await opened.append(Change(records=[made(n, node=node) for n in range(10) for node in (11, 12)]))
    yield opened
    await opened.close()


async def test_records_in_the_order_of_their_commits(store: Store) -> None:
    reader = store.reader
    assert reader.last_commit() == 20
    assert [r.commit for r in reader.after(0, 5)] == [1, 2, 3, 4, 5]
    assert [r.commit for r in reader.after(18, 5)] == [19, 20]
    assert reader.after(20, 5) == []
    record = reader.after(4, 1)[0]
    assert (record.node, record.seq, record.values, record.quality) == (11, 2, (2, None, -5), (0, 2, 0))
    assert (record.carrier, record.rssi_dbm, record.snr_db, record.moved) == ("mqtt", -70, 9.25, False)


async def test_records_as_columns(store: Store) -> None:
    first, second = sorted(store.reader.stretches(4, 8), key=lambda stretch: stretch.node)
    assert (first.node, first.commits, first.seqs) == (11, [5, 7], [2, 3])
    assert (second.node, second.commits, second.values[0]) == (12, [4, 6, 8], (1, 2, 3))
    assert first.record(1) == store.reader.after(6, 1)[0]
    assert store.reader.stretches(21, 99) == []


async def test_a_nodes_history_in_the_order_of_time(store: Store) -> None:
    start = 1_795_000_000
    await store.append(Change(records=[made(99, at_s=start + 1), made(98, at_s=start - 5)]))
    history = store.reader.history(11, start, start + 1800)
    assert [r.measured_at_s - start for r in history] == [0, 1, 600, 1200]
    newest = store.reader.newest(11)
    assert newest is not None
    assert newest.seq == 9
    assert store.reader.newest(13) is None


async def test_counts_and_ledger(store: Store) -> None:
    await store.append(Change(epochs=[Epoch(11, 0xA1B2C3D4, 5, next_seq=12), Epoch(12, 0xA1B2C3D4, 6)]))
    assert store.reader.counts() == store.reader.stored() == {11: 10, 12: 10}
    assert store.reader.ledger() == [
        LedgerLine(11, 0xA1B2C3D4, 12, 10, 10, 0),
        LedgerLine(12, 0xA1B2C3D4, 10, 10, 10, 0),
    ]


async def test_another_process_reads_while_this_one_writes(store: Store, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from gateway.store import Reader\n"
        "with Reader.open(Path(sys.argv[1])) as reader:\n"
        "    print(reader.store_id.hex(), reader.last_commit(), flush=True)\n"
        "    sys.stdin.readline()\n"
        "    print(reader.last_commit(), len(list(reader.identities())), flush=True)\n"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        str(tmp_path / "store.db"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert (await other.stdout.readline()).decode().split() == [store.store_id.hex(), "20"]
    await store.append(Change(records=[made(50)]))
    other.stdin.write(b"\n")
    assert (await other.stdout.readline()).decode().split() == ["21", "21"]
    assert await other.wait() == 0


async def test_a_store_that_is_at_rest_can_be_read(store: Store, tmp_path: Path) -> None:
    await store.close()
    with Reader.open(tmp_path / "store.db") as reader:
        assert reader.store_id == store.store_id
        assert reader.last_commit() == 20


def test_what_is_no_store_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        Reader.open(tmp_path / "nothing.db")
    (tmp_path / "text.db").write_text("not a database, but long enough to look into" * 50)
    with pytest.raises(StoreError, match="not a store"):
        Reader.open(tmp_path / "text.db")
