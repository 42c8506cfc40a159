"""Each kind of server, each fault on order: every record ends there or in quarantine, exactly once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_sync import audit as audits
from cloud_sync.audit import Audit
from cloud_sync.influx import Account, Connection, writer_for
from cloud_sync.readback import Unanswered, counts
from cloud_sync.worker import Worker
from gateway.model import StoredRecord
from tests.cloud_sync.doubles import QUICK, START_S, MemoryStore, Running, each, encode, open_journal, record
from tests.cloud_sync.influx_double import (
    DIALECTS,
    FORGETFUL,
    HANG,
    LOST_REPLY,
    SLOW,
    Dialect,
    InfluxDouble,
    Order,
    identities,
)

BAD = {77, 78, 200, 333}  # commit numbers


@pytest.fixture(params=DIALECTS)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[InfluxDouble]:
    double = InfluxDouble(request.param)
    await double.start()
    yield double
    await double.stop()


def account_for(server: InfluxDouble) -> Account:
    impatient = {HANG, SLOW} & set(server.orders)
    to = Connection(server.url, deadline_s=0.5 if impatient else 60)
    return Account(to, "v1" if server.dialect == "1.x" else "v2", "town")


def expected(records: list[StoredRecord]) -> list[tuple[int, int, int]]:
    return sorted((r.node, r.seq, r.measured_at_s) for r in records)


def conflicting(stored: StoredRecord) -> str:
    line = encode(stored)
    return (
        line.replace("seq=", "depth_mm=1.5,seq=").replace("depth_mm=512i,", "")
        if stored.commit in BAD
        else line
    )


def records(count: int = 400) -> list[StoredRecord]:
    return [record(n, node=11 + n % 3) for n in range(1, count + 1)]


async def test_a_bad_point_blocks_no_other(server: InfluxDouble, folder: Path) -> None:
    store = MemoryStore(records())
    server._types["snow", "depth_mm"] = "integer"
    writer, journal = writer_for(account_for(server)), open_journal(folder)
    running = Running(Worker(store, journal, writer, each(conflicting), pace=QUICK, batch=150), journal)
    status = await running.settled()
    good = [r for r in store.records if r.commit not in BAD]
    assert identities(server) == expected(good)
    if server.dialect == "vm":  # it says 204 and leaves them out: only its count tells
        assert (status.quarantined, status.synced) == (0, 400)
    else:
        assert (status.quarantined, status.synced) == (4, 396)
        assert {q.commit for q in await running.worker.quarantine()} == BAD
    await running.stop()
    await writer.close()


@pytest.mark.parametrize(
    "orders", [[401], [404, 403], [413], [429], [500, 503], [HANG], [SLOW], [LOST_REPLY, LOST_REPLY]], ids=str
)
async def test_a_fault_loses_and_doubles_nothing(
    server: InfluxDouble, folder: Path, orders: list[Order]
) -> None:
    store = MemoryStore(records())
    server.orders.extend(orders)
    writer, journal = writer_for(account_for(server)), open_journal(folder)
    running = Running(Worker(store, journal, writer, each(encode), pace=QUICK, batch=150), journal)
    status = await running.settled()
    assert (status.synced, status.quarantined) == (400, 0)
    assert identities(server) == expected(store.records)
    assert not server.orders
    await running.stop()
    await writer.close()


async def test_a_smaller_limit_is_found(server: InfluxDouble, folder: Path) -> None:
    server.lines_most = 60
    store = MemoryStore(records())
    writer, journal = writer_for(account_for(server)), open_journal(folder)
    running = Running(Worker(store, journal, writer, each(encode), pace=QUICK, batch=150, lanes=1), journal)
    await running.settled()
    assert identities(server) == expected(store.records)
    assert max(server.sizes[4:]) <= 60
    await running.stop()
    await writer.close()


async def test_a_slow_server_gets_smaller_requests(folder: Path) -> None:
    server = InfluxDouble("2.7")
    await server.start()
    store = MemoryStore([record(n) for n in range(1, 6001)])
    writer, journal = writer_for(account_for(server)), open_journal(folder)
    pace = replace(QUICK, slow_s=-1.0)  # every answer is slow
    running = Running(Worker(store, journal, writer, each(encode), pace=pace, batch=2000, lanes=1), journal)
    await running.settled()
    assert server.sizes == [2000, 1000, *[500] * 6]
    await running.stop()
    await writer.close()
    await server.stop()


async def test_points_that_a_server_forgot_are_sent_again(server: InfluxDouble, folder: Path) -> None:
    """It answers 204 and loses a third: its counts tell, and the window is written once more."""
    store = MemoryStore(records())
    server.orders.append(FORGETFUL)
    writer, journal = writer_for(account_for(server)), open_journal(folder)
    running = Running(Worker(store, journal, writer, each(encode), pace=QUICK, batch=400, lanes=1), journal)
    assert (await running.settled()).synced == 400
    assert len(server.points) < 300
    now_s = START_S + 500 + audits.SETTLES_S + 3600

    async def ask(from_s: int, to_s: int) -> dict[int, int]:
        return await counts(account_for(server), ["snow"], from_s, to_s)

    audit = Audit()
    await audits.look(running.worker, ask, audit, now_s, 0)
    assert (audit.state, audit.missing) == ("short", 134)
    await running.until(lambda s: s.rewrites == 0)
    assert identities(server) == expected(store.records)
    await audits.look(running.worker, ask, audit, now_s, 0)
    assert (audit.state, audit.missing) == ("whole", 0)
    assert (await running.worker.status()).synced == 400
    await running.stop()
    await writer.close()


async def test_points_that_never_stay_are_asked_for_once(folder: Path) -> None:
    server = InfluxDouble("vm")
    await server.start()
    server._types["snow", "depth_mm"] = "integer"
    store = MemoryStore(records())
    writer, journal = writer_for(account_for(server)), open_journal(folder)
    running = Running(Worker(store, journal, writer, each(conflicting), pace=QUICK), journal)
    await running.settled()
    now_s = START_S + 500 + audits.SETTLES_S + 3600
    audit = Audit()
    for _ in range(3):
        await audits.look(
            running.worker, lambda a, b: counts(account_for(server), ["snow"], a, b), audit, now_s, 0
        )
        await running.until(lambda s: s.rewrites == 0)
        assert (audit.state, audit.missing) == ("short", 4)
    assert server.writes == 1 + 2  # the windows of the two nodes were sent again, once
    await running.stop()
    await writer.close()
    await server.stop()


@pytest.mark.parametrize("dialect", ["1.x", "2.7"])
async def test_a_server_that_may_not_be_asked_is_no_trouble(dialect: Dialect, folder: Path) -> None:
    server = InfluxDouble(dialect)
    await server.start()
    with pytest.raises(Unanswered, match="status 404"):
        await counts(Account(Connection(server.url + "/elsewhere"), "v1", "town"), ["snow"], 0, 10)
    store = MemoryStore(records())
    writer, journal = writer_for(account_for(server)), open_journal(folder)
    running = Running(Worker(store, journal, writer, each(encode), pace=QUICK), journal)
    await running.settled()

    async def refuse(from_s: int, to_s: int) -> dict[int, int]:
        raise Unanswered("status 403")

    audit = Audit()
    await audits.look(running.worker, refuse, audit, START_S + 8000, 0)
    assert (audit.state, audit.reason) == ("unanswered", "status 403")
    assert (await running.worker.status()).rewrites == 0
    await running.stop()
    await writer.close()
    await server.stop()
