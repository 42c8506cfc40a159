"""A backlog drained into the real InfluxDB, beside a loader that posts ready-made bodies.

A: the real worker reads a sealed store, makes the lines, packs and posts them, and keeps its journal. B: the
very bodies that this takes, made and packed beforehand by a worker of the same kind, posted by as many
connections. So the server has the same work with both; each time it is a database of its own, and A and B
alternate.
"""

import asyncio
import gc
import gzip
import logging
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp
import structlog

from cloud_sync.influx import Connection, V1Writer, Writer
from cloud_sync.journal import Journal
from cloud_sync.line_protocol import encoder
from cloud_sync.verdict import Ok, Verdict
from cloud_sync.worker import BATCH, Worker
from device_configs.model import Site
from gateway.store import Change, Reader, Store
from gateway.store.sealing import next_segment
from gateway.store.upkeep import seal
from tests.bench.figures import Figure, at_least
from tests.soak.big_town import HOUR_S, Reporter, Values, big_site
from tools.servers import InfluxDB

PAIRS = 7
COUNTS = {"intake": 24, "snow": 0, "energy": 8}
HOURS = 96
INTERVAL_S = {"intake": 300, "energy": 60}
LANES = 2
# The demonstration town has two meters, which report every minute, and four battery nodes, every ten.
TOWN_RECORDS_PER_S = 1000 * (2 / 6 / 60 + 4 / 6 / 600)


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="sensornett-bench-", dir="/var/tmp") as name:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        return asyncio.run(measure(Path(name)))


async def measure(folder: Path) -> list[Figure]:
    gc.freeze()  # as the process of sync does
    try:
        return await measured(folder)
    finally:
        gc.unfreeze()


async def measured(folder: Path) -> list[Figure]:
    site = big_site({name: count for name, count in COUNTS.items() if count})
    count = await make_store(folder / "store.db", site)
    bodies = await ready_made(folder, site, count)
    points_bytes = sum(map(len, bodies))
    pairs = []
    with InfluxDB(folder / "influxdb") as server:
        for i in range(PAIRS + 1):
            drained = await drain(folder, site, server.url, f"sync{i}", count)
            loaded = await load(server.url, f"loader{i}", bodies)
            pairs.append((count / drained, count / loaded))
    pairs = pairs[1:]  # the first warms everything up
    ratios = sorted(a / b for a, b in pairs)
    ours, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    return [
        Figure(
            "ratio_to_bare_loader",
            statistics.median(ratios),
            "",
            at_least(0.5),
            f"ready-made bodies over {LANES} connections, {bare:.0f} records/s; "
            f"{len(pairs)} pairs, {ratios[0]:.3f} to {ratios[-1]:.3f}",
        ),
        Figure(
            "times_live_rate",
            ours / TOWN_RECORDS_PER_S,
            "",
            at_least(100),
            f"{ours:.0f} records/s against {TOWN_RECORDS_PER_S:.1f}/s of the demonstration town "
            "at 1000 nodes",
        ),
        Figure(
            "wire_bytes_per_point",
            points_bytes / count,
            "B",
            against=f"gzip 1 of {count} points in bodies of {BATCH}",
        ),
    ]


async def make_store(path: Path, site: Site) -> int:
    """Some days of the site, sealed; return how many records that is."""
    store, values = Store.open(path), Values(3)
    start_s = int(time.time()) // HOUR_S * HOUR_S - (HOURS + 1) * HOUR_S
    reporters = [Reporter(n, INTERVAL_S[n.profile.name], n.id) for n in site.nodes]
    for hour in range(HOURS):
        from_s = start_s + hour * HOUR_S
        records = [r for one in reporters for r in one.records(from_s, from_s + HOUR_S, values)]
        await store.append(Change(records=sorted(records, key=lambda r: r.received_at_ms)))
        while (segment := next_segment(store.reader.connection)) is not None:
            await seal(store, segment, 0)
    count = store.reader.last_commit()
    await store.close()
    return count


class Collector:
    """A Writer that takes everything and keeps it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def write(self, body: bytes) -> Verdict:
        self.bodies.append(body)
        return Ok()

    async def close(self) -> None: ...


async def ready_made(folder: Path, site: Site, count: int) -> list[bytes]:
    """Return the bodies that the worker posts, in its order."""
    collector = Collector()
    await drained(folder, site, collector, "collector", count)
    return collector.bodies


async def drain(folder: Path, site: Site, url: str, database: str, count: int) -> float:
    """Return the seconds it takes sync to have everything confirmed."""
    writer = V1Writer(Connection(url), database)
    await writer.write(gzip.compress(b"warm x=1i 1"))  # the database is there, the connection is open
    seconds = await drained(folder, site, writer, database, count)
    await writer.close()
    return seconds


async def drained(folder: Path, site: Site, writer: Writer, name: str, count: int) -> float:
    journal = Journal.open(folder / f"{name}.db", 0)
    with Reader.open(folder / "store.db") as reader:
        # One more than post at a time, since one waits for live records.
        worker = Worker(lambda: reader, journal, writer, encoder(site), lanes=LANES + 1)
        began = time.perf_counter()
        running = asyncio.create_task(worker.run())
        while journal.synced < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        seconds = time.perf_counter() - began
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (journal.synced, journal.quarantined) == (count, 0)
        await worker.close()
    journal.close()
    return seconds


async def load(url: str, database: str, bodies: list[bytes]) -> float:
    """Return the seconds it takes to have the bodies confirmed."""
    query = {"db": database, "precision": "s"}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/query", params={"q": f'CREATE DATABASE "{database}"'}) as answer:
            assert answer.status == 200
            assert "error" not in await answer.text()  # whose end is also the end of the work
        waiting = bodies[::-1]

        async def lane() -> None:
            while waiting:
                body = waiting.pop()
                headers = {"Content-Encoding": "gzip"}
                async with session.post(f"{url}/write", params=query, data=body, headers=headers) as answer:
                    assert answer.status == 204, await answer.text()

        began = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(LANES)))
        return time.perf_counter() - began
