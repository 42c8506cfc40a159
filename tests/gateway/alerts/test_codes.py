from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.alerts.codes import KEPT_S, VALID_S, answered, assign
from gateway.alerts.journal import Journal
from gateway.alerts.paging import Member, Message
from gateway.alerts.sms import read_reply
from tests.gateway.alerts.made import T0

MEMBER = Member("rista-tettes", 11, 1)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "alerts.db", 0)
    for i in range(3):
        journal.put(Message(f"k{i}", "vei", "alarm", "raised", T0, T0, (MEMBER,)))
    yield journal
    journal.close()


def test_codes_are_small_and_stay(journal: Journal) -> None:
    db = journal.db
    assert [assign(db, message, T0) for message in (1, 2, 1, 3)] == [1, 2, 1, 3]
    assert assign(db, 4, T0 + KEPT_S + 1) == 1


def test_a_reply_is_taken_once_and_from_whom_it_may_be(journal: Journal) -> None:
    db = journal.db
    code = assign(db, 1, T0)

    def ask(text: str, registered: bool = True, later_s: int = 60) -> str:
        return answered(db, read_reply("+4791234567", text), registered, T0 + later_s).refused

    assert ask(str(code), registered=False) == "unknown number"
    assert ask("hva?") == "no code"
    assert ask("99") == "unknown code"
    assert ask(str(code), later_s=VALID_S + 1) == "old code"
    answer = answered(db, read_reply("+4791234567", f"{code} E"), True, T0 + 60)
    assert answer.members == (MEMBER,)
    assert answer.escalate
    assert ask(str(code)) == "repeated"
