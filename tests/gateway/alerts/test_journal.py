from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.alerts.codes import answered, assign
from gateway.alerts.journal import UNTRIED_S, Journal
from gateway.alerts.leaps import Leap, Pace
from gateway.alerts.paging import Member, Message
from gateway.alerts.sms import read_reply
from gateway.alerts.state import Phase, State
from tests.gateway.alerts.made import T0

ONE, TWO = Member("r", 11, 1), Member("r", 12, 1)


def message(*members: Member, key: str = "k", kind: str = "raised") -> Message:
    return Message(key, "vei", "alarm", kind, T0, T0, members)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "alerts.db", 0)
    yield journal
    journal.close()


def test_cursor_states_and_messages_are_kept_together(tmp_path: Path, journal: Journal) -> None:
    state = State(Phase.ALERTING, occurrence=3, recent=(True, False), evidence="æ")
    assert journal.cursor() is None
    journal.keep((b"store-id", 7), {("r", 11): state}, messages=[message(ONE)])
    journal.set_maintenance(11, T0, "vakt")
    journal.close()
    again = Journal.open(tmp_path / "alerts.db", 0)
    assert again.cursor() == (b"store-id", 7)
    assert again.states() == {("r", 11): state}
    assert again.maintenance() == {11: T0}
    assert [w.message for w in again.waiting()] == [message(ONE)]
    again.close()


def test_a_message_grows_until_it_is_delivered_and_is_never_twice_there(journal: Journal) -> None:
    for members in ((ONE,), (ONE, TWO)):
        journal.put(message(*members))
    (waiting,) = journal.waiting()
    assert waiting.message.members == (ONE, TWO)
    journal.failed(waiting.id, T0 * 1000, "sms", "no network")
    journal.delivered(waiting.id, T0 * 1000 + 5, "mailto", "taken")
    journal.put(message(ONE))
    assert journal.waiting() == []
    assert [(a["channel"], a["ok"]) for a in journal.attempts("k")] == [("sms", False), ("mailto", True)]


def test_a_message_without_members_is_withdrawn(journal: Journal) -> None:
    journal.put(message(ONE))
    journal.put(message())
    assert journal.waiting() == []
    journal.put(message(key="heartbeat/1", kind="heartbeat"))
    assert len(journal.waiting()) == 1


def test_the_most_urgent_goes_first(journal: Journal) -> None:
    for i, priority in enumerate(("info", "warning", "alarm", "warning")):
        journal.put(Message(f"k{i}", "vei", priority, "raised", T0, T0 + i, (ONE,)))
    assert [w.message.key for w in journal.waiting()] == ["k2", "k1", "k3", "k0"]


def test_pages_of_the_last_minutes_are_known_after_a_restart(journal: Journal) -> None:
    journal.put(message(ONE))
    journal.put(Message("i", "vei", "info", "raised", T0, T0, (ONE,)))
    assert journal.pages_since(T0) == {"vei": [T0]}
    assert journal.pages_since(T0 + 1) == {}


def test_what_nobody_tried_to_deliver_is_given_up_and_receipts_end(journal: Journal) -> None:
    journal.put(message(ONE, key="untried"))
    journal.put(message(ONE, key="tried"))
    tried = next(w for w in journal.waiting() if w.message.key == "tried")
    journal.failed(tried.id, T0 * 1000, "sms", "no network")
    assert journal.tidy(T0 + UNTRIED_S) == 0
    assert journal.tidy(T0 + UNTRIED_S + 1) == 1
    assert [w.message.key for w in journal.waiting()] == ["tried"]
    assert journal.attempts("untried")[0]["detail"].startswith("given up")


def test_what_nobody_tried_to_deliver_is_told_as_long_as_it_stands(journal: Journal) -> None:
    """The gateway was away for days: it is no news that a channel has only just been set up."""
    later_s = T0 + 5 * UNTRIED_S
    for kind in ("raised", "escalated", "cleared"):
        journal.put(message(ONE, key=kind, kind=kind))
        journal.put(message(TWO, key=f"{kind}, over", kind=kind))
    assert journal.tidy(later_s, {(ONE.watch, ONE.occurrence), (TWO.watch, TWO.occurrence + 1)}) == 4
    assert {w.message.key for w in journal.waiting()} == {"raised", "escalated"}


def test_a_clock_put_back_keeps_no_message_and_no_code_waiting(journal: Journal) -> None:
    """Codes are in people's hands, and a page that failed is tried again by the clock as it is now."""
    year_s = 365 * 86_400
    journal.put(message(ONE, key="right"))
    ahead_s = T0 + year_s
    journal.put(Message("ahead", "vei", "alarm", "raised", ahead_s, ahead_s + 60, (ONE,)))
    code = assign(journal.db, 2, ahead_s)
    journal.set_maintenance(11, ahead_s + 3600, "vakt")
    journal.set_maintenance(12, T0 + 3600, "vakt")
    pace = Pace("boot", 1.5, 2.5)
    journal.keep((b"store-id", 7), {}, pace=pace, leaps=[Leap(-year_s, ahead_s - 10, ahead_s + 10)])
    assert journal.pace() == pace
    dues = {w.message.key: (w.message.created_s, w.message.due_s) for w in journal.waiting()}
    assert dues == {"right": (T0, T0), "ahead": (T0, T0 + 60)}
    assert journal.maintenance() == {11: T0 + 3600, 12: T0 + 3600}
    reply = read_reply("+4791234567", str(code))
    assert answered(journal.db, reply, True, T0 + 86_400 + 5).refused == "old code"
    assert answered(journal.db, reply, True, T0 + 120).members == (ONE,)


def test_what_waits_since_1970_waits_no_longer_and_its_code_is_good(journal: Journal) -> None:
    journal.put(Message("early", "vei", "warning", "raised", 500, 500 + 7200, (ONE,)))
    code = assign(journal.db, 1, 500)
    journal.keep((b"store-id", 7), {}, leaps=[Leap(T0, 100, 600)])
    (waiting,) = journal.waiting()
    assert (waiting.message.created_s, waiting.message.due_s) == (T0 + 500, 500 + 7200)
    assert assign(journal.db, 2, T0 + 900) != code, "it would mean two things"
    assert answered(journal.db, read_reply("+4791234567", str(code)), True, T0 + 900).members == (ONE,)
