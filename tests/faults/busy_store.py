"""A store at work in a process of its own, every step on the disk written down. For the power cut tests.

`python busy_store.py FOLDER SEED OUT SYNCHRONOUS`: records, statuses, sealing and pruning, with a second
connection that reads, and at times holds on to an old state so that the log cannot be reset. The marks in the
log say what was handed in and what was acknowledged.
"""

import asyncio
import pickle
import random
import sys
import threading
import time
from pathlib import Path

import apsw

from gateway.model import Epoch, NodeState, Record
from gateway.store import Change, Reader, Store, sealing
from gateway.store.pruning import note_synced, prune, segments
from gateway.store.sealing import next_segment
from gateway.store.upkeep import seal
from tests.faults.disk_log import DiskLog
from tests.gateway.store.made import made

NODES, ROUNDS = (11, 12, 13), 60
START_S = 1_795_000_000
EPOCH = 0xA1B2C3D4


def warm_up(folder: Path) -> None:
    """Let the library find its system calls before they are listened to."""
    db = apsw.Connection(str(folder / "warm.db"))
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", 2)
    db.execute("CREATE TABLE t (x)")
    db.close()


def read_on(path: Path, stop: threading.Event, seed: int) -> None:
    """The second reader."""
    chance = random.Random(seed)
    with Reader.open(path) as reader:
        while not stop.is_set():
            reader.connection.execute("BEGIN")
            reader.connection.execute("SELECT count(*) FROM records").fetchall()
            time.sleep(chance.choice((0.0, 0.002, 0.05)))
            reader.connection.execute("COMMIT")
            reader.after(chance.randrange(200), 50)


def batch(chance: random.Random, next_seq: dict[int, int]) -> list[Record]:
    """New records, and now and then one that was there before."""
    records = []
    for _ in range(chance.choice((1, 1, 3, 20, 150))):
        node = chance.choice(NODES)
        seq = next_seq[node]
        if seq and chance.random() < 0.1:
            seq = chance.randrange(seq)
        else:
            next_seq[node] += 1
        records.append(made(seq, node=node, epoch=EPOCH, at_s=START_S + seq * 3 // 4))  # some share a second
    return records


async def work(path: Path, seed: int, log: DiskLog, synchronous: str) -> None:
    chance = random.Random(seed)
    sealing.LEAST = chance.choice((20, 100))
    store = Store.open(path)
    await store.perform(lambda db: None)  # the writer's thread is ready
    store._db.execute(f"PRAGMA synchronous = {synchronous}")
    store._db.execute(f"PRAGMA wal_autocheckpoint = {chance.choice((5, 40, 1000))}")
    log.mark("store", store.store_id)
    stop = threading.Event()
    reading = threading.Thread(target=read_on, args=(path, stop, seed))
    reading.start()
    next_seq = dict.fromkeys(NODES, 0)

    async def append() -> None:
        records = batch(chance, next_seq)
        node = records[0].node
        change = Change(
            records=records,
            epochs=[Epoch(node, EPOCH, START_S * 1000, next_seq[node])],
            nodes=[NodeState(node, b"checkme!", next_seq[node], 1, True, 1024)],
        )
        log.mark("asked", [(r.node, r.seq) for r in records])
        await store.append(change)
        log.mark("acknowledged", [(r.node, r.seq) for r in records])

    for _ in range(ROUNDS):
        await asyncio.gather(*(append() for _ in range(chance.choice((1, 1, 2, 5)))))
        segment = await asyncio.to_thread(next_segment, store.reader.connection)
        if segment is not None:
            await seal(store, segment, 1)
        if chance.random() < 0.1 and (found := segments(store.reader.connection)):
            await store.perform(lambda db: note_synced(db, [(1, 1 << 40)]))
            await store.perform(lambda db, oldest=found[0]: prune(db, oldest, 2))  # type: ignore[misc]
    stop.set()
    reading.join()
    log.mark("end")
    if chance.random() < 0.5:
        await store.close()


def main() -> None:
    folder, seed, out = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    warm_up(folder)
    log = DiskLog(folder)
    log.start()
    asyncio.run(work(folder / "store.db", seed, log, sys.argv[4]))
    assert any(entry[0] == "sync" for entry in log.entries), "no sync was seen: nothing is proven"
    out.write_bytes(pickle.dumps(log.entries))


if __name__ == "__main__":
    main()
