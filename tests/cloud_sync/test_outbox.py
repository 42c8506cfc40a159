"""What is claimed next, and what a settled part leaves to do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_sync.journal import Journal, Refusal
from cloud_sync.line_protocol import Unspeakable
from cloud_sync.outbox import Batch, Outbox
from gateway.model import StoredRecord
from tests.cloud_sync.doubles import MemoryStore, each, encode, open_journal, record


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    opened = open_journal(folder)
    yield opened
    opened.close()


def numbers(batch: Batch | None) -> list[int]:
    assert batch is not None
    return [item.commit for item in batch.items]


def outbox_of(journal: Journal, store: MemoryStore, encode: Callable[[StoredRecord], str] = encode) -> Outbox:
    return Outbox(store, journal, each(encode))


def deliver(outbox: Outbox, batch: Batch) -> None:
    outbox.settle(batch, batch.span, batch.items, batch.refused, 1)


def test_the_newest_go_first_and_what_is_claimed_is_not_claimed_again(journal: Journal) -> None:
    store = MemoryStore([record(n) for n in range(1, 11)])
    outbox = outbox_of(journal, store)
    first = outbox.claim(4, ())
    assert numbers(first) == [7, 8, 9, 10]
    second = outbox.claim(4, [(7, 10)])
    assert numbers(second) == [3, 4, 5, 6]
    assert first is not None
    deliver(outbox, first)
    store.records.append(record(11))
    assert numbers(outbox.claim(4, [(3, 6)])) == [11]
    assert outbox.standing().pending == 7
    assert outbox.standing().oldest_received_at_ms == record(1).received_at_ms


def test_holes_are_passed_in_few_steps(journal: Journal) -> None:
    store = MemoryStore([record(5), record(9_000_000), record(9_000_001)])
    outbox = outbox_of(journal, store)
    seen: list[int] = []
    for _ in range(60):
        batch = outbox.claim(5000, ())
        if batch is None:
            break
        seen += [item.commit for item in batch.items]
        deliver(outbox, batch)
    assert sorted(seen) == [5, 9_000_000, 9_000_001]
    assert list(journal.settled) == [(1, 9_000_001)]


def test_an_emptied_beginning_is_one_hole(journal: Journal) -> None:
    outbox = outbox_of(journal, MemoryStore([record(9_000_000)]))
    batch = outbox.claim(10, ())
    assert numbers(batch) == [9_000_000]
    assert batch is not None
    deliver(outbox, batch)
    batch = outbox.claim(10, ())
    assert batch is not None
    assert (batch.span, list(batch.items)) == ((1, 8_999_990), [])


def test_another_store_is_sent_from_its_beginning(journal: Journal) -> None:
    store = MemoryStore([record(1), record(2)])
    outbox = outbox_of(journal, store)
    batch = outbox.claim(10, ())
    assert batch is not None
    store.store_id = b"store-02"
    assert outbox.standing().pending == 2
    again = outbox.claim(10, ())
    assert numbers(again) == [1, 2]
    deliver(outbox, batch)  # an answer for the old store must settle nothing of the new one
    assert list(journal.settled) == []
    assert again is not None
    deliver(outbox, again)
    assert list(journal.settled) == [(1, 2)]


def test_a_record_without_a_line_is_refused_and_tried_again_with_a_better_configuration(
    journal: Journal,
) -> None:
    known: set[int] = {11}

    def picky(stored: StoredRecord) -> str:
        if stored.node not in known:
            raise Unspeakable(f"node {stored.node} is unknown")
        return encode(stored)

    store = MemoryStore([record(1), record(2, node=12), record(3)])
    outbox = outbox_of(journal, store, picky)
    batch = outbox.claim(10, ())
    assert numbers(batch) == [1, 3]
    assert batch is not None
    assert [(r.item.commit, r.status, r.reason) for r in batch.refused] == [(2, 0, "node 12 is unknown")]
    deliver(outbox, batch)
    assert journal.quarantined == 1
    assert outbox.claim(10, ()) is None

    journal.ask_again(None)
    again = outbox.claim(10, ())
    assert again is not None
    assert (again.span, len(again.items), len(again.refused)) == (None, 0, 1)
    deliver(outbox, again)
    assert outbox.claim(10, ()) is None

    known.add(12)
    journal.ask_again(None)
    assert outbox.claim(10, ["again"]) is None  # another lane is at it
    again = outbox.claim(10, ())
    assert numbers(again) == [2]
    assert again is not None
    deliver(outbox, again)
    assert (journal.quarantined, journal.synced) == (0, 3)


def test_a_refused_record_that_left_the_store_is_tried_with_its_old_line(journal: Journal) -> None:
    store = MemoryStore([record(1)])
    outbox = outbox_of(journal, store)
    batch = outbox.claim(10, ())
    assert batch is not None
    outbox.settle(batch, batch.span, (), [Refusal(batch.items[0], 400, "bad")], 1)
    store.records = [record(2)]
    journal.ask_again(None)
    newest = outbox.claim(10, ())
    assert newest is not None
    deliver(outbox, newest)
    again = outbox.claim(10, ())
    assert again is not None
    assert [item.line for item in again.items] == [encode(record(1))]


def test_a_live_claim_takes_only_what_has_come_in_since(journal: Journal) -> None:
    store = MemoryStore([record(n) for n in range(1, 11)])
    outbox = outbox_of(journal, store)
    assert outbox.claim(4, (), live=True) is None  # it was there at the start
    assert numbers(outbox.claim(4, ())) == [7, 8, 9, 10]
    store.records += [record(11), record(12)]
    assert numbers(outbox.claim(4, [(7, 10)], live=True)) == [11, 12]
    assert outbox.claim(4, [(7, 10), (11, 12)], live=True) is None
    assert numbers(outbox.claim(4, [(7, 10), (11, 12)])) == [3, 4, 5, 6]
    store.records, store.store_id = [record(1), record(2)], b"restored"
    assert outbox.claim(4, (), live=True) is None
    assert numbers(outbox.claim(4, ())) == [1, 2]
