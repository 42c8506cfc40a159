"""Replies in the spool of gammu-smsd: who may answer, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog.testing

from gateway import replies
from gateway.alerts.codes import assign
from gateway.alerts.sms import Gammu
from gateway.replies import Replies
from tests.gateway.alerts.at_modem import write_config
from tests.gateway.alerts.running import Running
from tests.waiting import until

OURS, STRANGER = "+4791234567", "+4740404040"
ALERT = ("rista-tettes", 11)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "LOOK_S", 0.01)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    await running.clog()
    yield running
    await running.close()


async def answer(running: Running, number: str, text: str) -> None:
    """Put a text message into the spool; return once it has been dealt with."""
    modem = Gammu(write_config(running.folder, "none"))
    file = running.folder / "in" / f"IN20260101_120000_00_{number}_00.txt"
    file.write_text(text)
    reading = Replies(running.alerts, modem, {OURS}, lambda: running.now_ms // 1000)
    task = asyncio.create_task(reading.run())
    await until(lambda: not file.exists())
    task.cancel()
    await asyncio.wait([task])


def code_of(running: Running) -> str:
    """The code in the text message about the alert."""
    rows = running.alerts.journal.db.execute("SELECT id FROM outbox WHERE key LIKE 'raised/rista-tettes/%'")
    ((message,),) = rows.fetchall()
    assert isinstance(message, int)
    return str(assign(running.alerts.journal.db, message, running.now_ms // 1000))


async def test_a_code_acknowledges_once(running: Running) -> None:
    code = code_of(running)
    with structlog.testing.capture_logs() as logs:
        await answer(running, OURS, code)
        assert running.alerts.engine.states[ALERT].acknowledged_by == OURS
        await answer(running, OURS, code)
    assert [entry["reason"] for entry in logs if entry["event"] == "reply_refused"] == ["repeated"]


async def test_a_code_with_an_e_passes_on_to_the_next(running: Running) -> None:
    before = running.alerts.engine.states[ALERT].escalations
    await answer(running, OURS, f"{code_of(running)} E")
    state = running.alerts.engine.states[ALERT]
    assert (state.acknowledged_by, state.escalations) == ("", before + 1)


async def test_a_stranger_changes_nothing_and_is_not_named_in_the_log(running: Running) -> None:
    with structlog.testing.capture_logs() as logs:
        await answer(running, STRANGER, code_of(running))
    assert running.alerts.engine.states[ALERT].acknowledged_by == ""
    (refused,) = [entry for entry in logs if entry["event"] == "reply_refused"]
    assert (refused["reason"], refused["number"]) == ("unknown number", "...040")


async def test_what_was_acknowledged_meanwhile_is_told_in_the_log(running: Running) -> None:
    await running.verbs["alerts_ack"]({"id": "rista-tettes/11", "by": "vakt"})
    with structlog.testing.capture_logs() as logs:
        await answer(running, OURS, code_of(running))
    assert running.alerts.engine.states[ALERT].acknowledged_by == "vakt"
    assert "reply_changes_nothing" in [entry["event"] for entry in logs]
