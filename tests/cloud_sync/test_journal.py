"""The journal survives: reopening, damage, a full disk, another store."""

from pathlib import Path

import apsw
import pytest

from cloud_sync.journal import Item, Journal, JournalError, Refusal
from tests.cloud_sync.doubles import open_journal


def item(number: int) -> Item:
    return Item(number, 11, 7, number - 1, 1_700_000_000 + number, f"snow seq={number - 1}i")


def refusal(number: int, reason: str = "bad") -> Refusal:
    return Refusal(item(number), 400, reason)


def test_what_is_settled_is_there_after_reopening(folder: Path) -> None:
    journal = open_journal(folder)
    assert not journal.bind(b"store-01")
    journal.settle((6, 10), [item(n) for n in range(6, 11)], [], 1)
    journal.settle((1, 2), [item(1), item(2)], [], 2)
    journal.settle((3, 5), [item(3), item(5)], [refusal(4)], 3)
    journal.close()
    journal = open_journal(folder)
    assert list(journal.settled) == [(1, 10)]
    assert (journal.synced, journal.quarantined, journal.dropped) == (9, 1, 0)
    assert not journal.bind(b"store-01")
    (kept,) = journal.quarantine()
    assert (kept.commit, kept.node, kept.epoch, kept.seq) == (4, 11, 7, 3)
    assert (kept.line, kept.status, kept.reason, kept.refused_at_ms) == ("snow seq=3i", 400, "bad", 3)
    assert kept.store_id == b"store-01"
    journal.close()


def test_another_store_starts_from_nothing_but_keeps_the_quarantine(folder: Path) -> None:
    journal = open_journal(folder)
    journal.bind(b"store-01")
    journal.settle((1, 3), [item(1), item(3)], [refusal(2)], 1)
    assert journal.bind(b"store-02")
    assert (list(journal.settled), journal.synced, journal.quarantined) == ([], 0, 1)
    journal.settle((1, 2), [item(1)], [refusal(2, "still bad")], 2)
    assert [(q.store_id, q.reason) for q in journal.quarantine()] == [(b"store-02", "still bad")]
    journal.close()


def test_a_delivered_record_leaves_quarantine(folder: Path) -> None:
    journal = open_journal(folder)
    journal.bind(b"store-01")
    journal.settle((1, 2), [], [refusal(1), refusal(2)], 1)
    assert journal.ask_again([journal.quarantine()[0].id]) == 1
    assert [q.commit for q in journal.wanted_again(10)] == [2]
    journal.settle(None, [item(2)], [], 2)
    assert (journal.synced, [q.commit for q in journal.quarantine()]) == (1, [1])
    journal.close()


def test_asking_again_and_dropping(folder: Path) -> None:
    journal = open_journal(folder)
    journal.bind(b"store-01")
    journal.settle((1, 3), [], [refusal(1), refusal(2), refusal(3)], 1)
    first, second, third = sorted(q.id for q in journal.quarantine())
    assert journal.drop([first, 999], 5) == 1
    assert journal.refused_record(first) is None
    assert journal.refused_record(second) is not None
    assert (journal.quarantined, journal.dropped) == (2, 1)
    assert journal.ask_again(None) == 2
    assert [q.id for q in journal.wanted_again(10)] == [second, third]
    journal.settle(None, [], [refusal(2, "again")], 6)
    assert [q.id for q in journal.wanted_again(10)] == [third]
    assert journal.drop(None, 7) == 2
    assert (journal.quarantined, journal.dropped, journal.wanted_again(10)) == (0, 3, [])
    journal.close()
    journal = open_journal(folder)
    assert (journal.quarantined, journal.dropped) == (0, 3)
    journal.close()


def test_a_full_disk_settles_nothing(folder: Path) -> None:
    journal = open_journal(folder)
    journal.bind(b"store-01")
    journal.settle((1, 1), [item(1)], [], 1)
    pages = journal._db.pragma("page_count")
    journal._db.pragma("max_page_count", pages)
    with pytest.raises(apsw.FullError):
        journal.settle((2, 4000), [], [refusal(n, "x" * 400) for n in range(2, 400)], 2)
    assert (list(journal.settled), journal.synced, journal.quarantined) == ([(1, 1)], 1, 0)
    journal._db.pragma("max_page_count", 1_000_000)
    journal.settle((2, 3), [item(3)], [refusal(2)], 3)
    assert (list(journal.settled), journal.synced, journal.quarantined) == ([(1, 3)], 2, 1)
    journal.close()


@pytest.mark.parametrize("damage", [b"not a database at all" * 300, None])
def test_a_damaged_file_is_set_aside(folder: Path, damage: bytes | None) -> None:
    journal = open_journal(folder)
    journal.bind(b"store-01")
    journal.settle((1, 400), [], [refusal(n, "x" * 400) for n in range(1, 400)], 1)
    journal.close()
    path = folder / "sync.db"
    whole = path.read_bytes()
    path.write_bytes(damage or whole[:4096] + b"\xff" * 8192 + whole[12288:])
    journal = Journal.open(path, now_ms=77)
    assert (list(journal.settled), journal.synced, journal.quarantined) == ([], 0, 0)
    assert (folder / "sync.db.damaged-77").exists()
    journal.close()


def test_a_newer_version_and_a_foreign_database_are_left_alone(folder: Path) -> None:
    open_journal(folder).close()
    with apsw.Connection(str(folder / "sync.db")) as db:
        db.pragma("user_version", 99)
    db.close()
    with pytest.raises(JournalError, match="newer version"):
        open_journal(folder)
    other = apsw.Connection(str(folder / "other.db"))
    other.execute("CREATE TABLE notes (text)")
    other.pragma("user_version", 1)
    other.close()
    with pytest.raises(JournalError, match="not a sync journal"):
        Journal.open(folder / "other.db", now_ms=0)


def test_every_settled_part_is_on_disk_before_the_call_returns(folder: Path) -> None:
    journal = open_journal(folder)
    assert journal._db.pragma("journal_mode") == "wal"
    assert journal._db.pragma("synchronous") == 2  # FULL
    journal.close()
