"""An old backup is put back, of the gateway or of the database: nothing is skipped, nothing doubled, and no
nonce can come twice."""

import shutil
from pathlib import Path

import pytest

from cloud_sync import audit as audits
from cloud_sync.audit import Audit
from cloud_sync.influx import Account, Connection, V1Writer
from cloud_sync.query import points
from cloud_sync.readback import counts
from cloud_sync.worker import Worker
from gateway.links import NodeLink
from gateway.model import NodeState
from gateway.store import Change, Reader, Store
from gateway.store.opening import open_database, renew
from tests.cloud_sync.doubles import (
    QUICK,
    START_S,
    MemoryStore,
    Running,
    each,
    encode,
    open_journal,
    record,
)
from tests.gateway.store.made import made
from tools.servers import InfluxDB

pytestmark = pytest.mark.servers
STORE = "store.db"
KEY = bytes(16)


def line(stored: object) -> str:
    seq, node, at_s = (getattr(stored, name) for name in ("seq", "node", "measured_at_s"))
    return f"t,node={node},site=x seq={seq}i {at_s}"


async def synced(folder: Path, url: str) -> bytes:
    """Let sync bring over what there is; return the store's id it knows then."""
    writer, journal = V1Writer(Connection(url), "restore"), open_journal(folder)
    with Reader.open(folder / STORE) as reader:
        running = Running(Worker(lambda: reader, journal, writer, each(line), pace=QUICK), journal)
        status = await running.settled()
        await running.stop()
    await writer.close()
    assert status.quarantined == 0
    return bytes.fromhex(status.store_id)


async def filled(path: Path, *seqs: int) -> bytes:
    store = Store.open(path)
    state = NodeState(11, NodeLink(11, KEY, b"gate", store.store_id).state().key_check, welcomed=True)
    await store.append(Change(records=[made(n) for n in seqs], nodes=[state]))
    store_id = store.store_id
    await store.close()
    return store_id


def backed_up(folder: Path) -> Path:
    backup = folder / "backup.db"
    shutil.copy(folder / STORE, backup)
    return backup


@pytest.mark.parametrize("by_hand", [True, False])
async def test_an_old_backup(tmp_path: Path, by_hand: bool) -> None:
    """By hand: just the file copied back. Otherwise with the new id that a restore command gives."""
    with InfluxDB(tmp_path / "influxdb") as influxdb:
        first = await filled(tmp_path / STORE, *range(100))
        assert await synced(tmp_path, influxdb.url) == first
        backup = backed_up(tmp_path)
        await filled(tmp_path / STORE, *range(100, 200))
        await synced(tmp_path, influxdb.url)

        shutil.copy(backup, tmp_path / STORE)
        if not by_hand:
            opened = open_database(tmp_path / STORE, lambda: 5)
            renew(opened.db)
            opened.db.close()
        # Records 100 to 149 are no longer on the node; new ones have been made since.
        second = await filled(tmp_path / STORE, *range(150, 250))
        assert second != first
        assert await synced(tmp_path, influxdb.url) == second
        found = [int(p["seq"]) for p in await points(influxdb.url, "v1", "restore", "t")]
        assert sorted(found) == list(range(250))

        with Reader.open(tmp_path / STORE) as reader:
            (state,) = reader.nodes()
        links = [NodeLink(11, KEY, b"gate", store_id) for store_id in (first, second)]
        frames = []
        for link in links:  # the same counter, the same words: under another key
            link.restore(state, (), {})
            link.stored(link.state(reserve=1))
            frames.append(link.seal(b"the same words"))
        assert frames[0][:6] == frames[1][:6]
        assert frames[0][6:] != frames[1][6:]


async def test_an_old_backup_of_the_database(tmp_path: Path) -> None:
    """What sync has proof of is gone all the same. It finds that out by itself for the last days, and what is
    older is written once more when somebody asks for it, as operations.md says."""
    old_s, new_s = START_S, START_S + (audits.DAYS + 15) * audits.DAY_S
    now_s = new_s + audits.DAY_S
    early = [record(n, node=11 + n % 2, measured_at_s=old_s + n) for n in range(1, 101)]
    late = [
        record(n, measured_at_s=at_s + n) for n in range(101, 301) for at_s in [old_s if n < 201 else new_s]
    ]
    server = InfluxDB(tmp_path / "influxdb")
    server.start()
    try:
        store, journal = MemoryStore(early), open_journal(tmp_path)
        writer = V1Writer(Connection(server.url), "restored")
        running = Running(Worker(store, journal, writer, each(encode), pace=QUICK), journal)
        await running.settled()
        server.stop()
        shutil.copytree(tmp_path / "influxdb", tmp_path / "backup")
        server.start()
        store.records += late
        await running.until(lambda s: s.pending == 0 and s.synced == 300)
        server.stop()
        shutil.rmtree(tmp_path / "influxdb")
        shutil.copytree(tmp_path / "backup", tmp_path / "influxdb")
        server.start()

        async def there() -> list[int]:
            found = await points(server.url, "v1", "restored", "snow")
            return sorted(int(p["seq"]) + 1 for p in found)

        async def ask(from_s: int, to_s: int) -> dict[int, int]:
            return await counts(Account(Connection(server.url), "v1", "restored"), ["snow"], from_s, to_s)

        assert await there() == list(range(1, 101))
        audit = Audit()
        await audits.look(running.worker, ask, audit, now_s, 0)
        assert (audit.state, audit.missing) == ("short", 100)
        await running.until(lambda s: s.rewrites == 0)
        assert await there() == [*range(1, 101), *range(201, 301)]
        await audits.look(running.worker, ask, audit, now_s, 0)
        assert audit.state == "whole"
        assert await running.worker.again(old_s, old_s + audits.DAY_S) == 200
        status = await running.until(lambda s: s.rewrites == 0)
        assert await there() == list(range(1, 301))
        assert (status.synced, status.quarantined) == (300, 0)
        await running.stop()
        await writer.close()
    finally:
        server.stop()
