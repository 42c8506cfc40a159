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
from gateway.alerts.verbs import verbs
from gateway.control import ControlError
from gateway.model import StoredRecord
from gateway.store import Change, Reader, Store
from tests.gateway.alerts.made import T0, intake, site, stored

CLOGGED = [(200.0, 190.0)] * 3 + [(200 + 150.0 * i, 190.0) for i in range(1, 5)]


class Running:
    """A store and the alerts beside it, on a clock that stands still unless it is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = T0 * 1000
        self.store = Store.open(folder / "store.db")
        self.seq = 0
        self.open()

    def open(self) -> None:
        self.reader = Reader.open(self.folder / "store.db")
        self.alerts = Alerts(site(), self.folder, self.reader, now_ms=lambda: self.now_ms)
        self.verbs = verbs(self.alerts, lambda: self.now_ms // 1000)

    async def store_record(self, record: StoredRecord) -> None:
        self.seq += 1
        self.now_ms = max(self.now_ms, record.measured_at_s * 1000)
        await self.store.append(Change(records=(stored(record, self.seq),)))

    async def clog(self, start_s: int = T0) -> None:
        for i, (up, down) in enumerate(CLOGGED):
            await self.store_record(intake(start_s + 600 * i, up, down))
            while await self.alerts.step():
                pass

    async def restart(self, *, cleanly: bool) -> None:
        if cleanly:
            await self.alerts.close()
        else:
            self.alerts.journal.close()  # what was not kept is lost
        self.reader.close()
        self.open()

    def events(self) -> list[tuple[Any, ...]]:
        sql = "SELECT at_s, rule, node, occurrence, kind, notify, value FROM events ORDER BY id"
        return self.alerts.journal.db.execute(sql).fetchall()

    def messages(self) -> list[str]:
        return [row[0] for row in self.alerts.journal.db.execute("SELECT key FROM outbox ORDER BY id")]

    async def close(self) -> None:
        await self.alerts.close()
        self.reader.close()
        await self.store.close()


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
    assert first.texts["nb"]["seen"].startswith("opp +")


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


async def test_what_could_not_be_written_is_written_later(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Journal.keep

    def full(*_: object) -> None:
        raise apsw.FullError("disk is full")

    monkeypatch.setattr(Journal, "keep", full)
    with pytest.raises(apsw.FullError):
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


async def test_people_through_the_socket(running: Running) -> None:
    ask = running.verbs
    await running.clog()
    listed = await ask["alerts_list"]({})
    assert listed["standing"][0]["id"] == "rista-tettes/11"
    assert listed["messages_waiting"] == len(running.messages())
    answer = await ask["alerts_ack"]({"id": "rista-tettes/11", "by": "vakt"})
    assert answer == {"rule": "rista-tettes", "node": 11, "state": "alerting"}
    with pytest.raises(ControlError, match="vakt has acknowledged it"):
        await ask["alerts_ack"]({"id": "rista-tettes/11", "by": "annen"})
    with pytest.raises(ControlError, match="active alerts: "):
        await ask["alerts_ack"]({"id": "11", "by": "vakt"})
    for wrong in (
        {"id": "x/11", "by": "v"},
        {"id": "tull", "by": "v"},
        {"by": "v"},
        {"id": "rista-tettes/11"},
    ):
        with pytest.raises(ControlError):
            await ask["alerts_ack"](wrong)
    await ask["alerts_shelve"]({"id": "kulvert-60/11", "by": "vakt", "minutes": 30, "note": "flom"})
    with pytest.raises(ControlError, match="a shelf ends"):
        await ask["alerts_shelve"]({"id": "kulvert-60/11", "by": "vakt", "minutes": 30_000})
    await ask["alerts_unshelve"]({"id": "kulvert-60/11", "by": "vakt"})
    await ask["alerts_out_of_service"]({"id": "isfare/11", "by": "tekniker"})
    assert (await ask["alerts_list"]({}))["watches"]["out_of_service"] == 1
    await ask["alerts_in_service"]({"id": "isfare/11", "by": "tekniker"})
    await ask["alerts_maintain"]({"node": 12, "by": "tekniker", "minutes": 60})
    assert (await ask["alerts_list"]({}))["maintenance"] == {"12": running.now_ms // 1000 + 3600}


async def test_closing_the_loop(running: Running) -> None:
    ask = running.verbs
    await running.clog()
    await ask["alerts_ack"]({"id": "rista-tettes/11", "by": "vakt"})
    await ask["alerts_close"](
        {"id": "rista-tettes/11", "outcome": "real", "by": "vakt", "on_site_min": 25, "note": "kvist"}
    )
    for wrong, message in (
        ({"outcome": "maybe"}, "one of: real, false, handled"),
        ({"occurrence": 7}, "no alert number 7"),
        ({"by": " "}, "who you are"),
    ):
        with pytest.raises(ControlError, match=message):
            await ask["alerts_close"]({"id": "rista-tettes/11", "outcome": "real", "by": "v"} | wrong)
    await ask["alerts_inspect"]({"node": 11, "by": "vakt", "blocked_percent": 80, "cleaned": True})
    await ask["alerts_inspect"]({"node": 11, "by": "vakt", "blocked_percent": 5})
    with pytest.raises(ControlError, match="0 to 100"):
        await ask["alerts_inspect"]({"node": 11, "by": "vakt", "blocked_percent": 101})
    answer = await ask["alerts_history"]({"node": 11})
    assert {e["outcome"] for e in answer["events"] if e["rule"] == "rista-tettes"} == {"real"}
    (line,) = [f for f in answer["figures"] if f["rule"] == "rista-tettes"]
    assert (line["precision"], line["alerts"], line["inspections"], line["needless_inspections"]) == (
        1,
        1,
        2,
        1,
    )
    assert line["acknowledged_after_s"] is not None


async def test_the_task_follows_when_it_is_woken(running: Running) -> None:
    task = asyncio.create_task(running.alerts.run())
    for i, (up, down) in enumerate(CLOGGED):
        await running.store_record(intake(T0 + 600 * i, up, down))
        running.alerts.wake()
    async with asyncio.timeout(20):
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
