"""The alerts beside a real store: what is kept together, and what a crash at any point changes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from gateway.alerts import step
from gateway.alerts.engine import Engine
from gateway.alerts.journal import Journal
from gateway.alerts.service import Alerts, AlertsError
from gateway.model import StoredRecord
from tests.gateway.alerts.made import T0, intake, site
from tests.gateway.alerts.running import CLOGGED, Running


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    yield running
    await running.close()


async def test_from_the_record_to_the_outbox(running: Running) -> None:
    await running.clog()
    assert "raised/rista-tettes/11/1" in running.messages()
    (first, *_) = running.alerts.standing()
    assert (first.id, first.priority, first.acknowledged_by) == ("rista-tettes/11", "alarm", "")
    assert first.texts["nb"]["action"] == "Rens rista"
    assert first.texts["en"]["action"] == "Clear the grate"
    assert first.texts["nb"]["seen"].startswith("foran rista +")


async def test_a_crash_after_any_commit_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "steady").mkdir()
    (tmp_path / "crashing").mkdir()
    steady, crashing = Running(tmp_path / "steady"), Running(tmp_path / "crashing")
    levels = [*CLOGGED, (900.0, 190.0), (None, 190.0), (200.0, 190.0), (200.0, 190.0), (200.0, 190.0)]
    for i, (up, down) in enumerate(levels):
        for running in (steady, crashing):
            await running.store_record(intake(T0 + 600 * i, up, down))
            if running is crashing and i % 2:
                await running.restart(cleanly=False)  # before the record was evaluated
            while await running.alerts.step():
                pass
            if running is crashing:
                await running.restart(cleanly=bool(i % 3))
                await running.alerts.step()
    assert crashing.events() == steady.events()
    assert crashing.messages() == steady.messages()
    assert len(steady.messages()) == len(set(steady.messages()))
    assert any(event[4] == "cleared" for event in steady.events())
    for running in (steady, crashing):
        await running.close()


async def test_what_fails_otherwise_is_written_later(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Journal.keep

    def busy(*_: object) -> None:
        raise apsw.BusyError("locked")

    monkeypatch.setattr(Journal, "keep", busy)
    with pytest.raises(apsw.BusyError):
        await running.clog()
    assert running.messages() == []
    monkeypatch.setattr(Journal, "keep", keep)
    for i, (up, down) in list(enumerate(CLOGGED))[1:]:
        await running.store_record(intake(T0 + 600 * i, up, down))
        while await running.alerts.step():
            pass
    assert "raised/rista-tettes/11/1" in running.messages()


async def test_an_old_store_is_history_but_its_newest_record_counts(running: Running) -> None:
    for i in range(30):
        await running.store_record(intake(T0 + 600 * i, 1300 if i in (5, 6, 7, 29) else 150, 140))
    running.alerts.journal.close()
    (running.folder / "alerts.db").unlink()
    running.reader.close()
    running.open()
    running.now_ms += 120_000
    await running.alerts.step()
    raised = [(e[1], e[3], e[4]) for e in running.events() if e[1] == "kulvert-100"]
    assert raised == [("kulvert-100", 1, "raised")]


async def test_a_damaged_database_is_set_aside_and_one_of_a_newer_version_refused(running: Running) -> None:
    running.alerts.journal.close()
    database = running.folder / "alerts.db"
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    database.write_bytes(b"not a database, certainly not one" * 100)
    running.open()
    await running.clog()
    assert running.messages()
    assert list(running.folder.glob("alerts.db.damaged-*"))
    running.alerts.journal.db.execute("INSERT INTO migrations VALUES (99, 'future', 0)")
    with pytest.raises(AlertsError, match="Install the version that wrote it"):
        Alerts(site(), running.folder, running.reader, now_ms=lambda: T0)


async def test_a_clock_that_leaps_makes_no_node_silent_but_time_that_passes_does(running: Running) -> None:
    async def silent_after(clock_s: int, monotonic_s: int) -> bool:
        running.now_ms += 1000 * clock_s
        running.stepped_s += clock_s - monotonic_s
        await running.alerts.step()
        return running.alerts.engine.states["inntak-uten-data", 11].active

    running.step_clock(60)  # 1970
    assert not await silent_after(0, 0)
    assert not await silent_after(T0, 10)
    assert not await silent_after(7100, 7100)
    running.connected = False  # deaf for a day: that says nothing of the nodes
    assert not await silent_after(86_400, 86_400)
    running.connected = True
    assert not await silent_after(10, 10)
    assert await silent_after(7300, 7300)


async def test_a_task_that_goes_round_is_alive_in_trouble_too_but_not_when_stuck(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = asyncio.create_task(running.alerts.alive())
    await asyncio.sleep(0.05)
    assert not alive.done()  # nobody follows yet
    task = asyncio.create_task(running.alerts.run())
    async with asyncio.timeout(60):
        await alive

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Engine, "tick", broken)
    async with asyncio.timeout(60):
        await running.alerts.alive()
    monkeypatch.undo()
    task.cancel()
    await asyncio.wait([task])


async def test_the_task_follows_when_it_is_woken(running: Running) -> None:
    task = asyncio.create_task(running.alerts.run())
    for i, (up, down) in enumerate(CLOGGED):
        await running.store_record(intake(T0 + 600 * i, up, down))
        running.alerts.wake()
    async with asyncio.timeout(60):
        while not running.alerts.engine.states["rista-tettes", 11].active:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await running.alerts.wish(
        ("rista-tettes", 11), lambda _watch, state: step.acknowledge(state, "vakt", T0 + 9000)
    )
    task.cancel()
    await asyncio.wait([task])
    await running.restart(cleanly=True)
    assert running.alerts.engine.states["rista-tettes", 11].acknowledged_by == "vakt"


async def test_a_record_that_can_not_be_judged_keeps_no_other_from_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Engine._feed

    def stumbling(engine: Engine, record: StoredRecord, evaluate: Any) -> None:
        if record.measured_at_s == T0 + 600:
            raise ZeroDivisionError("a fault of ours")
        feed(engine, record, evaluate)

    monkeypatch.setattr(Engine, "_feed", stumbling)
    for i, (up, down) in enumerate(CLOGGED):
        await running.store_record(intake(T0 + 600 * i, up, down))
    while await running.alerts.step():
        pass
    raised = [event for event in running.events() if event[1] == "rista-tettes" and event[4] == "raised"]
    assert len(raised) == 1
    assert "raised/rista-tettes/11/1" in running.messages()
