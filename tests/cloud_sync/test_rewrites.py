"""A new calibration rewrites the affected points in place, and nothing else."""

import json
from pathlib import Path

import pytest

from cloud_sync.influx import Connection, V1Writer
from cloud_sync.journal import Journal
from cloud_sync.query import points
from cloud_sync.worker import Worker
from gateway.model import StoredRecord
from tests.cloud_sync.doubles import QUICK, START_S, MemoryStore, Running, each, encode, open_journal, record
from tools.servers import InfluxDB

NOW_MS = (START_S + 1000) * 1000


def timeline(zero: int) -> dict[int, str]:
    return {node: json.dumps({"depth": [[START_S + 100, 0, zero, 100, 100]]}) for node in (11, 12)}


def test_what_is_asked_for_survives_and_is_done_bit_by_bit(folder: Path) -> None:
    journal = open_journal(folder)
    journal.bind(b"store-01")
    assert journal.rewrites.recalibrated(timeline(0), NOW_MS) == {}
    assert journal.rewrites.recalibrated(timeline(3), NOW_MS) == {11: START_S + 100, 12: START_S + 100}
    assert journal.rewrites.recalibrated(timeline(3), NOW_MS) == {}
    journal.close()
    journal = open_journal(folder)
    assert journal.rewrites.waiting() == 2
    first = journal.rewrites.next()
    assert first is not None
    assert (first.node, first.at_s, first.cause) == (11, START_S + 100, "calibration")
    journal.rewrites.done(first, START_S + 150)
    again = journal.rewrites.next()
    assert again is not None
    assert (again.id, again.at_s) == (first.id, START_S + 150)
    journal.rewrites.done(again, again.to_s)
    assert journal.rewrites.waiting() == 1
    journal.bind(b"store-02")
    assert journal.rewrites.waiting() == 0
    journal.close()


def test_a_journal_of_the_first_version_is_brought_forward(folder: Path) -> None:
    journal = open_journal(folder)
    journal.bind(b"store-01")
    journal.settle((1, 5), [], [], 1)
    for table in ("calibration", "rewrites", "short"):
        journal._db.execute(f"DROP TABLE {table}")
    journal._db.pragma("user_version", 1)
    journal.close()
    journal = Journal.open(folder / "sync.db", 0)
    assert list(journal.settled) == [(1, 5)]
    assert journal.rewrites.waiting() == 0
    journal.close()


@pytest.mark.servers
async def test_points_are_rewritten_in_place(folder: Path, influxdb: InfluxDB, database: str) -> None:
    zero = 0

    def calibrated(stored: StoredRecord) -> str:
        raw = stored.values[0]
        assert raw is not None
        shift = zero if stored.measured_at_s >= START_S + 100 else 0
        return encode(stored).replace(" seq=", f" corrected_mm={raw - shift}i,seq=")

    store = MemoryStore([record(n, node=11 + n % 3, depth=1000 + n) for n in range(1, 301)])
    writer, journal = V1Writer(Connection(influxdb.url), database), open_journal(folder)
    worker = Worker(store, journal, writer, each(calibrated), pace=QUICK, batch=40)
    running = Running(worker, journal)
    await worker.recalibrated(timeline(0))
    await running.settled()
    zero = 25
    await worker.recalibrated(timeline(25))  # nodes 11 and 12; 13 keeps what it has
    status = await running.until(lambda s: s.rewrites == 0)
    assert (status.synced, status.quarantined) == (300, 0)
    found = await points(influxdb.url, "v1", database, "snow")
    assert len(found) == 300
    for point in found:
        at_s, node = int(point["time_s"]) - START_S, point["node"]
        shift = 25 if at_s >= 100 and node in (11, 12) else 0
        assert point["corrected_mm"] == 1000 + at_s - shift
    await running.stop()
    await writer.close()
