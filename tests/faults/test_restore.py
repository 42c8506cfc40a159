"""An old backup is put back: nothing is skipped, nothing doubled, and no nonce can come twice."""

import shutil
from pathlib import Path

import pytest

from cloud_sync.influx import Connection, V1Writer
from cloud_sync.query import points
from cloud_sync.worker import Worker
from gateway.links import NodeLink
from gateway.model import NodeState
from gateway.store import Change, Reader, Store
from gateway.store.opening import open_database, renew
from tests.cloud_sync.doubles import QUICK, Running, each, open_journal
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
