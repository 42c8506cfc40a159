"""Every record ends in the real server or in quarantine, exactly once, whatever happens on the way."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from aiohttp import web

from cloud_sync.influx import Connection, V1Writer, V2Writer
from cloud_sync.pace import Pace
from cloud_sync.query import points
from cloud_sync.verdict import Ok
from cloud_sync.worker import Worker
from gateway.model import StoredRecord
from gateway.store import StoreError
from tests.cloud_sync.doubles import (
    QUICK,
    FaultServer,
    MemoryStore,
    Running,
    answering,
    each,
    encode,
    open_journal,
    record,
)
from tools.servers import InfluxDB, VictoriaMetrics

pytestmark = pytest.mark.servers

Identity = tuple[int, int, int, int, int | None, int]
Start = Callable[..., Awaitable[Running]]


def identities(records: Iterable[StoredRecord]) -> list[Identity]:
    """Return (node, epoch, seq, time, values...) of each record, in order."""
    return sorted((r.node, r.epoch, r.seq, r.measured_at_s, r.values[0], r.values[1] or 0) for r in records)


async def held(
    server: InfluxDB | VictoriaMetrics, database: str, measurement: str = "snow"
) -> list[Identity]:
    """Return the same of each point a server holds."""
    found = await points(server.url, "v1" if isinstance(server, InfluxDB) else "v2", database, measurement)
    return sorted(map(_identity, found))


def _identity(point: dict[str, int | float | str]) -> Identity:
    depth = point.get("depth_mm")
    node, epoch, seq, time_s = (int(point[key]) for key in ("node", "epoch", "seq", "time_s"))
    return node, epoch, seq, time_s, None if depth is None else int(depth), int(point["air_temp_cc"])


@pytest.fixture
async def start(folder: Path, database: str) -> AsyncIterator[Start]:
    """Start a worker that writes to a v1 server; stopped at the end."""
    started: list[tuple[Running, V1Writer]] = []

    async def begin(store: MemoryStore, url: str, *, deadline_s: float = 60.0, **options: object) -> Running:
        writer = V1Writer(Connection(url, deadline_s=deadline_s), database)
        journal = open_journal(folder)
        worker = Worker(store, journal, writer, each(encode), **{"pace": QUICK, "batch": 500, **options})  # type: ignore[arg-type]
        running = Running(worker, journal)
        started.append((running, writer))
        return running

    yield begin
    for running, writer in started:
        await running.stop()
        await writer.close()


def records(count: int, first: int = 1) -> list[StoredRecord]:
    return [record(n, node=11 + n % 7, depth=None if n % 5 == 0 else n) for n in range(first, first + count)]


async def test_everything_reaches_influxdb(start: Start, influxdb: InfluxDB, database: str) -> None:
    store = MemoryStore(records(3300))
    running = await start(store, influxdb.url)
    status = await running.settled()
    assert (status.state, status.synced, status.quarantined) == ("ok", 3300, 0)
    assert (status.oldest_unsynced_age_s, status.last_error) == (None, None)
    store.records += records(20, first=3301)
    await running.until(lambda s: s.synced == 3320)
    assert await held(influxdb, database) == identities(store.records)


async def test_everything_reaches_victoria_metrics(folder: Path, victoria_metrics: VictoriaMetrics) -> None:
    store = MemoryStore(records(1300))

    def named(stored: StoredRecord) -> str:
        return encode(stored).replace("snow,", "snowworker,", 1)

    writer = V2Writer(Connection(victoria_metrics.url), "town")
    journal = open_journal(folder)
    running = Running(Worker(store, journal, writer, each(named), pace=QUICK, batch=500), journal)
    await running.settled()
    journal.bind(b"store-02")  # send all once more
    store.store_id = b"store-02"
    await running.until(lambda s: s.synced == 1300)
    await running.stop()
    await writer.close()
    assert await held(victoria_metrics, "town", "snowworker") == identities(store.records)


async def test_a_server_that_dies_and_comes_back(start: Start, influxdb: InfluxDB, database: str) -> None:
    store = MemoryStore(records(4000))
    running = await start(store, influxdb.url, batch=100)
    before = await running.until(lambda s: s.synced >= 300)
    influxdb.kill()
    down = await running.until(lambda s: s.state == "retrying")
    assert before.synced <= down.synced < 4000
    assert down.pending == 4000 - down.synced
    assert down.oldest_unsynced_age_s is not None
    assert down.last_error is not None
    await asyncio.to_thread(influxdb.start)
    status = await running.settled()
    assert (status.state, status.synced) == ("ok", 4000)
    assert await held(influxdb, database) == identities(store.records)


async def test_a_server_that_freezes(start: Start, influxdb: InfluxDB, database: str) -> None:
    store = MemoryStore(records(2000))
    running = await start(store, influxdb.url, batch=100, deadline_s=1.5)
    await running.until(lambda s: s.synced >= 200)
    influxdb.pause()
    try:
        down = await running.until(lambda s: s.state == "retrying")
        assert down.last_error == "no answer within 1.5 s"
    finally:
        influxdb.resume()
    await running.settled()
    assert await held(influxdb, database) == identities(store.records)


async def test_a_type_conflict_goes_to_quarantine_and_the_rest_passes(
    start: Start, influxdb: InfluxDB, database: str
) -> None:
    writer = V1Writer(Connection(influxdb.url), database)
    # Somebody has written `depth_mm` as a float before.
    foreign = b"snow,node=99,site=demo seq=0i,epoch=0i,air_temp_cc=0i,depth_mm=1.5 1700000000"
    assert await writer.write(gzip.compress(foreign)) == Ok()
    await writer.close()
    store = MemoryStore([record(n, node=11 + n % 3, depth=None if n % 50 else n) for n in range(1, 901)])
    bad = [r for r in store.records if r.values[0] is not None]
    running = await start(store, influxdb.url)
    status = await running.settled()
    assert (status.state, status.synced, status.quarantined) == ("ok", 900 - len(bad), len(bad))
    kept = await running.worker.quarantine()
    assert sorted(q.commit for q in kept) == [r.commit for r in bad]
    assert all("field type conflict" in q.reason and q.status == 400 for q in kept)
    assert {q.commit: q.line for q in kept} == {r.commit: encode(r) for r in bad}
    good = [r for r in store.records if r.values[0] is None]
    assert [point for point in await held(influxdb, database) if point[0] != 99] == identities(good)


@pytest.mark.parametrize("api_answer", [(500, {}), (503, {"Retry-After": "0"}), (429, {"Retry-After": "0"})])
async def test_passing_trouble(
    start: Start,
    faults: FaultServer,
    influxdb: InfluxDB,
    database: str,
    api_answer: tuple[int, dict[str, str]],
) -> None:
    store = MemoryStore(records(1200))
    faults.fault = answering(api_answer[0], "overloaded", api_answer[1], times=3)
    running = await start(store, faults.url)
    status = await running.settled()
    assert (status.state, status.synced, status.last_error) == ("ok", 1200, f"{api_answer[0]}: overloaded")
    assert await held(influxdb, database) == identities(store.records)


async def test_retry_after_is_obeyed(start: Start, faults: FaultServer) -> None:
    faults.fault = answering(429, "slow down", {"Retry-After": "1"}, times=1)
    began = time.monotonic()
    running = await start(MemoryStore(records(10)), faults.url, lanes=1)
    await running.settled()
    assert time.monotonic() - began >= 1.0
    assert len(faults.bodies) <= 3  # refused, then (where it had to be created) the database, then taken


async def test_a_long_retry_after_is_told(start: Start, faults: FaultServer) -> None:
    faults.fault = answering(429, "slow down", {"Retry-After": "600"})
    running = await start(MemoryStore(records(10)), faults.url, lanes=1)
    waiting = await running.until(lambda s: s.state == "retrying")
    assert waiting.next_try_s is not None
    assert 300 < waiting.next_try_s <= 660  # a tenth of it at random


@pytest.mark.parametrize("status_code", [401, 403, 404])
async def test_being_refused_altogether_holds_and_keeps(
    start: Start, faults: FaultServer, influxdb: InfluxDB, database: str, status_code: int
) -> None:
    store = MemoryStore(records(700))
    faults.fault = answering(status_code, '{"error": "no such right"}')
    running = await start(store, faults.url)
    status = await running.until(lambda s: s.state == "hold")
    assert (status.synced, status.pending, status.quarantined) == (0, 700, 0)
    assert status.last_error == f"{status_code}: no such right"
    asked = len(faults.bodies)
    await running.until(lambda _: len(faults.bodies) >= asked + 3)  # it keeps asking, with small requests
    large = [body for body in faults.bodies[asked:] if len(body.split(b"\n")) > 100]
    assert len(large) <= 1  # the other lane had it under way before it heard of the trouble
    faults.fault = None
    assert (await running.settled()).state == "ok"
    assert await held(influxdb, database) == identities(store.records)


async def test_a_server_with_a_smaller_limit(
    start: Start, faults: FaultServer, influxdb: InfluxDB, database: str
) -> None:
    async def limited(_: web.Request, body: bytes) -> web.StreamResponse | None:
        return web.Response(status=413) if body.count(b"\n") >= 120 else None

    store = MemoryStore(records(3000))
    faults.fault = limited
    running = await start(store, faults.url, lanes=1)
    status = await running.settled()
    assert (status.state, status.synced) == ("ok", 3000)
    sizes = [len(body.split(b"\n")) for body in faults.bodies]
    assert len([size for size in sizes if size > 120]) <= 6  # it learns
    assert await held(influxdb, database) == identities(store.records)


async def test_one_line_that_is_too_large_by_itself(start: Start, faults: FaultServer) -> None:
    async def picky(_: web.Request, body: bytes) -> web.StreamResponse | None:
        return web.Response(status=413) if b"seq=41i" in body else None

    faults.fault = picky
    running = await start(MemoryStore(records(100)), faults.url)
    status = await running.settled()
    assert (status.synced, status.quarantined) == (99, 1)
    (kept,) = await running.worker.quarantine()
    assert (kept.seq, kept.status) == (41, 413)


async def test_an_unprocessable_line_is_found_with_few_requests(
    start: Start, faults: FaultServer, influxdb: InfluxDB, database: str
) -> None:
    async def picky(_: web.Request, body: bytes) -> web.StreamResponse | None:
        if b"seq=321i" not in body:
            return None
        return web.Response(status=422, text='{"code":"unprocessable entity","message":"series limit"}')

    store = MemoryStore(records(500))
    faults.fault = picky
    running = await start(store, faults.url, lanes=1)
    await running.settled()
    assert len(faults.bodies) <= 2 + 2 * 9  # 500 lines: nine halvings
    (kept,) = await running.worker.quarantine()
    assert (kept.seq, kept.status, kept.reason) == (321, 422, "series limit")
    assert await held(influxdb, database) == identities(r for r in store.records if r.seq != 321)

    faults.fault = None
    assert await running.worker.retry([kept.id]) == 1
    status = await running.until(lambda s: s.quarantined == 0)
    assert status.synced == 500
    assert await held(influxdb, database) == identities(store.records)


async def test_what_is_dropped_stays_counted(start: Start, faults: FaultServer) -> None:
    faults.fault = answering(400, "bad")
    running = await start(MemoryStore(records(3)), faults.url)
    status = await running.settled()
    assert (status.synced, status.quarantined) == (0, 3)
    kept = await running.worker.quarantine()
    assert await running.worker.drop([kept[0].id]) == 1
    assert await running.worker.refused_record(kept[0].id) is None
    status = await running.worker.status()
    assert (status.quarantined, status.dropped) == (2, 1)


async def test_a_server_that_refuses_everything_does_not_fill_quarantine(
    start: Start, faults: FaultServer
) -> None:
    faults.fault = answering(400, "database is required")
    running = await start(MemoryStore(records(1000)), faults.url, pace=Pace(poll_s=0.01, hold_s=30), lanes=1)
    status = await running.until(lambda s: s.state == "hold")
    assert (status.synced, status.quarantined, status.pending) == (0, 100, 900)
    assert status.last_error is not None
    assert "100 points refused in a row: database is required" in status.last_error


async def test_an_answer_lost_after_the_commit_makes_no_duplicates(
    start: Start, faults: FaultServer, influxdb: InfluxDB, database: str
) -> None:
    lost = 0

    async def lose_answers(request: web.Request, body: bytes) -> web.StreamResponse | None:
        nonlocal lost
        status, _, _ = await faults.forward(request, body)
        if status != 204 or lost >= 4:
            return None
        lost += 1
        if lost % 2 and request.transport is not None:
            request.transport.close()  # the connection breaks ...
        else:
            await asyncio.sleep(60)  # ... or the answer comes after the deadline
        return web.Response(status=204)

    store = MemoryStore(records(1500))
    faults.fault = lose_answers
    running = await start(store, faults.url, deadline_s=1.0)
    status = await running.settled()
    assert lost == 4
    assert status.synced == 1500
    assert await held(influxdb, database) == identities(store.records)


async def test_another_store_is_sent_whole(start: Start, influxdb: InfluxDB, database: str) -> None:
    store = MemoryStore(records(300))
    running = await start(store, influxdb.url)
    await running.settled()
    # A backup of an earlier state is put back, and new records come in.
    store.store_id = b"restored"
    store.records = [*store.records[:100], *records(50, first=5001)]
    store.records[100:] = [record(101 + i, node=30, measured_at_s=1_700_100_000 + i) for i in range(50)]
    status = await running.until(lambda s: s.store_id == b"restored".hex() and s.pending == 0)
    assert status.synced == 150
    expected = {*identities(records(300)), *identities(store.records)}
    assert await held(influxdb, database) == sorted(expected)


async def test_live_records_pass_the_backlog(start: Start, faults: FaultServer) -> None:
    async def slow(_: web.Request, __: bytes) -> web.StreamResponse | None:
        await asyncio.sleep(0.02)
        return None

    store = MemoryStore(records(2000))
    faults.fault = slow
    running = await start(store, faults.url, batch=20, lanes=2)
    await running.until(lambda s: s.synced >= 200)
    store.records.append(record(2001, node=99))
    sent = len(faults.bodies)
    await running.until(lambda _: any(b"node=99" in body for body in faults.bodies))
    position = next(i for i, body in enumerate(faults.bodies) if b"node=99" in body)
    assert position - sent <= 3  # those under way, no more
    assert (await running.worker.status()).pending > 1000
    oldest = [int(body.split(b"seq=")[1].split(b"i")[0]) for body in faults.bodies[:10]]
    assert min(oldest) >= 2000 - 10 * 20


async def test_a_restart_goes_on_where_it_was(
    start: Start, faults: FaultServer, influxdb: InfluxDB, database: str
) -> None:
    store = MemoryStore(records(2000))
    first = await start(store, faults.url, batch=50)
    before = await first.until(lambda s: s.synced >= 500)
    await first.stop()
    asked = len(faults.bodies)
    second = await start(store, faults.url, batch=50)
    assert (await second.settled()).synced == 2000
    again = sum(len(body.split(b"\n")) for body in faults.bodies[asked:])
    assert again <= 2000 - before.synced  # what was settled is never sent again
    assert await held(influxdb, database) == identities(store.records)


async def test_a_store_that_cannot_be_read_is_waited_for(start: Start, influxdb: InfluxDB) -> None:
    class Missing(MemoryStore):
        there = False

        def __call__(self) -> "Missing":
            if not self.there:
                raise StoreError("store.db: there is no store")
            return self

    store = Missing(records(10))
    running = await start(store, influxdb.url)
    with pytest.raises(StoreError):
        await running.worker.status()
    await asyncio.sleep(0.05)
    store.there = True
    assert (await running.settled()).synced == 10
