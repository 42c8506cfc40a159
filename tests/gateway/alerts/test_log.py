"""Reading the alerts' database beside the one who writes it."""

from pathlib import Path

from gateway.alerts.journal import NAME, Journal
from gateway.alerts.log import AlertLog, Round
from gateway.alerts.paging import Member, Message
from gateway.alerts.records import Inspection, inspect

NOW_S = 1_795_000_000


def test_before_there_is_one_everything_is_empty(tmp_path: Path) -> None:
    log = AlertLog(tmp_path)
    assert (log.history(10), log.sent(10), log.rounds(11, 0, NOW_S)) == ([], [], [])
    assert list(tmp_path.iterdir()) == []


def test_messages_with_their_receipts_the_newest_first_and_rounds(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / NAME, NOW_S * 1000)
    try:
        members = (Member("rista", 11, 1), Member("flom", 12, 4))
        journal.put(Message("a", "vakt", "alarm", "raised", NOW_S, NOW_S, members))
        journal.put(Message("b", "vakt", "info", "heartbeat", NOW_S + 1, NOW_S + 1, (), drill=True))
        journal.failed(1, 5, "sms", "no network")
        journal.delivered(1, (NOW_S + 9) * 1000, "mail", "250 OK")
        inspect(journal.db, Inspection(11, NOW_S, "Vakt", 60, True, "", "løv"))
        log = AlertLog(tmp_path)
        newest, oldest = log.sent(10)
        assert (newest.drill, newest.alerts, newest.attempts, newest.done_s) == (True, (), (), None)
        assert oldest.alerts == (("rista", 11), ("flom", 12))
        assert [(channel, ok) for _, channel, ok, _ in oldest.attempts] == [("sms", False), ("mail", True)]
        assert oldest.done_s == NOW_S + 9
        assert len(log.sent(1)) == 1
        assert log.rounds(11, NOW_S, NOW_S + 1) == [Round(11, NOW_S, "Vakt", 60, True, "løv")]
        assert log.rounds(11, NOW_S + 1, NOW_S + 2) == []
        assert log.rounds(12, 0, NOW_S + 2) == []
    finally:
        journal.close()
