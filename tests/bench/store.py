"""What the recordings take at rest and on their way to the disk, and what it costs to read and to hold them.

At rest: the stream gauge's recording (six channels, noise included) from several nodes, and a building's
meter, sealed by the store as in the field; the size is that of the database's used pages, over all values
measured.
"""

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import cbor2

from gateway.ingest import Ingest
from gateway.model import Record
from gateway.store import Change, Reader, Store
from gateway.store.pruning import Limits
from gateway.store.sealing import next_segment
from gateway.store.upkeep import Upkeep, seal
from tests.bench.figures import Figure, at_most
from tests.bench.gauge import SCHEMA, gauge_records
from tests.bench.receivers import peak_rss_bytes
from tests.soak.big_town import Reporter, Values, big_site

GAUGES, GAUGE_RECORDS = 12, 20_000
METERS, METER_S = 2, 7 * 86_400  # every 60 s
YEAR, OTHERS = 52_560, 5  # records of one series at 10 min, and how many more such nodes are in the store
LIVE = 400  # records committed one by one
TOWN, TOWN_RECORDS = 1000, 300_000
CARD_BYTES, CARD_WRITES = 32e9, 1000  # a consumer's card: each cell may be written so often
START_S = 1_780_000_000
REPEATED = 7

_processes = multiprocessing.get_context("spawn")


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="sensornett-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        return [
            *asyncio.run(at_rest(folder)),
            *asyncio.run(on_the_way(folder)),
            *asyncio.run(history(folder)),
            memory(folder),
        ]


recording = cache(gauge_records)


def gauge_of(node: int, count: int, interval_s: int) -> Iterator[Record]:
    """The recording as a node's records, from another place in it for each node."""
    recorded = recording()
    shift = node * 2600
    for seq in range(count):
        measured = recorded[(shift + seq) % len(recorded)]
        at_s = START_S + seq * interval_s + node % interval_s
        received_ms = at_s * 1000 + 1200 + (seq * 7 + node * 13) % 900
        yield Record(
            node,
            0xB0000000 | node,
            seq,
            at_s,
            2000,
            received_ms,
            SCHEMA,
            measured.values,
            measured.quality,
            "mqtt",
        )


def recordings() -> list[Record]:
    """All records of the town, in the order in which a gateway gets them."""
    records = [r for node in range(GAUGES) for r in gauge_of(node, GAUGE_RECORDS, 300)]
    values = Values(1)
    for node in big_site({"energy": METERS}).nodes:
        meter = Reporter(replace(node, interval_s=60), 60, 0xC0000000 | node.id)
        records += meter.records(START_S, START_S + METER_S, values)
    return sorted(records, key=lambda r: r.received_at_ms)


async def fill(store: Store, records: Iterable[Record]) -> None:
    rest = iter(records)
    while batch := list(islice(rest, 5000)):
        await store.append(Change(records=batch))
        while (segment := next_segment(store.reader.connection)) is not None:
            await seal(store, segment, 0)


def used_bytes(store: Store) -> int:
    db = store.reader.connection
    return int(db.pragma("page_size")) * (int(db.pragma("page_count")) - int(db.pragma("freelist_count")))


async def at_rest(folder: Path) -> list[Figure]:
    records = recordings()
    readings = sum(value is not None for record in records for value in record.values)
    rows = Store.open(folder / "rows.db")
    for start in range(0, len(records), 5000):
        await rows.append(Change(records=records[start : start + 5000]))
    as_rows = used_bytes(rows) / readings
    await rows.close()
    as_cbor = sum(len(cbor2.dumps([r.seq, r.measured_at_s, r.values])) for r in records) / readings
    store = Store.open(folder / "sealed.db")
    await fill(store, records)
    while (segment := next_segment(store.reader.connection, everything=True)) is not None:
        await seal(store, segment, 0)
    sealed = used_bytes(store) / readings
    assert sum(store.reader.counts().values()) == len(records)
    await store.close()
    return [
        Figure(
            "bytes_per_reading_at_rest",
            sealed,
            "B",
            at_most(1.5),
            f"the same {readings} readings as SQLite rows: {as_rows:.1f} B, "
            f"as CBOR arrays without their gateway's part: {as_cbor:.2f} B",
        )
    ]


def written_bytes() -> int:
    """What this process has handed to write calls; what it maps into memory is not counted."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise OSError("/proc/self/io does not tell")


async def on_the_way(folder: Path) -> list[Figure]:
    store = Store.open(folder / "live.db")
    records = sorted((r for n in range(200) for r in gauge_of(n, 3, 300)), key=lambda r: r.received_at_ms)
    records = records[:LIVE]
    before = written_bytes()
    for record in records:
        await store.append(Change(records=[record]))
    alone = (written_bytes() - before) / len(records)
    await store.close()
    together = Store.open(folder / "together.db")
    before = written_bytes()
    await fill(together, (r for n in range(8) for r in gauge_of(n, 2500, 300)))
    in_batches = (written_bytes() - before) / 20_000
    await together.close()
    payload = len(cbor2.dumps(records[0].values)) + 16
    years = CARD_BYTES * CARD_WRITES / (alone * 200 * 288 * 365)
    return [
        Figure(
            "disk_bytes_written_per_record",
            alone,
            "B",
            against=f"each committed alone, the worst case; {in_batches:.0f} B in commits of 5000, sealed; "
            f"the record itself has {payload} B",
        ),
        Figure(
            "card_years_200_nodes",
            years,
            "years",
            against=f"a card of {CARD_BYTES / 1e9:.0f} GB whose cells take {CARD_WRITES} writes, "
            "200 nodes at 5 min, each record alone; computed",
        ),
    ]


async def history(folder: Path) -> list[Figure]:
    rows, sealed = Store.open(folder / "year-rows.db"), Store.open(folder / "year.db")
    nodes = range(OTHERS + 1)
    for start in range(0, YEAR, 2000):
        batch = [r for n in nodes for r in islice(gauge_year(n), start, min(YEAR, start + 2000))]
        batch.sort(key=lambda r: r.received_at_ms)
        await fill(sealed, batch)
        await rows.append(Change(records=[r for r in batch if r.node == 0]))
    times: list[float] = []
    bare: list[float] = []
    for _ in range(REPEATED):
        for store, into in ((sealed, times), (rows, bare)):
            with Reader.open(store.path) as reader:
                began = time.perf_counter()
                found = reader.history(0, 0, 1 << 40)
                into.append(time.perf_counter() - began)
            assert len(found) == YEAR
    await rows.close()
    await sealed.close()
    ratios = [a / b for a, b in zip(times, bare, strict=True)]
    return [
        Figure(
            "history_year_ms",
            1000 * statistics.median(times),
            "ms",
            against=f"{statistics.median(ratios):.2f} of the time that the same {YEAR} records take as rows "
            f"of SQLite, {REPEATED} pairs; {OTHERS} more nodes in the store",
        )
    ]


_years: dict[int, list[Record]] = {}


def gauge_year(node: int) -> list[Record]:
    if node not in _years:
        _years[node] = list(gauge_of(node, YEAR, 600))
    return _years[node]


def memory(folder: Path) -> Figure:
    here, there = _processes.Pipe()
    process = _processes.Process(target=town, args=(folder / "town.db", TOWN, TOWN_RECORDS, there))
    process.start()
    peak, empty, segments = here.recv()
    process.join()
    return Figure(
        "rss_mb_1000_nodes",
        peak / 1e6,
        "MB",
        at_most(120),
        f"peak over {TOWN_RECORDS} records and {segments} sealings of ingest, store and upkeep; "
        f"{empty / 1e6:.0f} MB with nothing in it",
    )


def town(path: Path, nodes: int, records: int, told: Connection) -> None:
    """The process that is weighed."""
    told.send(asyncio.run(_weigh(path, nodes, records)))


async def _weigh(path: Path, nodes: int, records: int) -> tuple[int, int, int]:
    store = Store.open(path)
    keys = {node: node.to_bytes(2, "big") * 8 for node in range(1, nodes + 1)}
    ingest = Ingest(store, keys=keys, schemas={SCHEMA: (2, 3, 3, 4, 5, 5)}, gateway_id=b"bnch")
    upkeep = Upkeep(store, Limits(), lambda: START_S * 1000)
    await upkeep.look()
    empty = peak_rss_bytes()
    recorded = recording()[:300]
    for start in range(0, records, nodes):
        seq = start // nodes
        values = recorded[seq % len(recorded)]
        at_s = START_S + 600 * seq
        await store.append(
            Change(
                records=[
                    Record(n, n, seq, at_s + n % 600, 2000, (at_s + n % 600) * 1000, SCHEMA,
                           values.values, values.quality, "mqtt")
                    for n in keys
                ]
            )
        )  # fmt: skip
        if seq % 20 == 0:
            await upkeep.look()
    await upkeep.look()
    ((segments,),) = store.reader.connection.execute("SELECT count(*) FROM segments")
    assert len(ingest.links) == nodes
    await store.close()
    return peak_rss_bytes(), empty, int(segments)
