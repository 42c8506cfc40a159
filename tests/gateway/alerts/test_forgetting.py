"""What is too old leaves alerts.db, and what is under way stays."""

from pathlib import Path

from device_configs.retention_schema import Retention
from gateway.alerts.forgetting import DAY_S, forget
from gateway.alerts.journal import Journal
from gateway.alerts.paging import Message
from gateway.alerts.records import Closing, Inspection, close, inspect
from tests.gateway.alerts.made import T0

KEEP = Retention(messages_days=10, names_days=20, alerts_days=30)


def filled(path: Path) -> Journal:
    journal = Journal.open(path / "alerts.db", T0 * 1000)
    for n, at_s in enumerate((T0, T0 + 15 * DAY_S)):
        journal.db.execute(
            "INSERT INTO events (at_s, rule, node, occurrence, kind, priority, notify, evidence, by, note) "
            "VALUES (?, 'r', 11, ?, 'raised', 'alarm', 1, '', 'Kari', '')", (at_s, n),
        )  # fmt: skip
        close(journal.db, Closing("r", 11, n, at_s, "Kari", "real"))
        inspect(journal.db, Inspection(11, at_s, "Ola", 70))
        journal.put(Message(f"m{n}", "vei", "alarm", "heartbeat", at_s, at_s, ()))
        journal.delivered(n + 1, at_s * 1000, "sms", "taken")
    journal.put(Message("waits", "vei", "alarm", "heartbeat", T0, T0, ()))
    journal.set_maintenance(11, T0, "Kari")
    return journal


def test_each_kind_after_its_own_time(tmp_path: Path) -> None:
    journal = filled(tmp_path)
    assert set(forget(journal.db, KEEP, T0 + 5 * DAY_S).values()) == {0}
    assert forget(journal.db, KEEP, T0 + 12 * DAY_S) == {
        "receipts": 1, "messages": 1, "maintenance": 0, "names": 0, "events": 0, "closings": 0,
        "inspections": 0,
    }  # fmt: skip
    found = forget(journal.db, KEEP, T0 + 22 * DAY_S)
    assert (found["names"], found["maintenance"]) == (3, 1)
    for table in ("events", "closings", "inspections"):
        names = [by for (by,) in journal.db.execute(f"SELECT by FROM {table} ORDER BY at_s")]
        assert names[0] == ""
        assert names[1] != ""
    found = forget(journal.db, KEEP, T0 + 32 * DAY_S)
    assert (found["events"], found["closings"], found["inspections"], found["messages"]) == (1, 1, 1, 1)
    assert [w.message.key for w in journal.waiting()] == ["waits"]
    journal.close()


def test_history_is_kept_unless_the_site_says_otherwise(tmp_path: Path) -> None:
    journal = filled(tmp_path)
    forget(journal.db, Retention(), T0 + 5000 * DAY_S)
    assert journal.db.execute("SELECT count(*) FROM events").get == 2
    journal.close()
