"""What one change does to the database, and that a failing one does nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Ack, Anchor, Epoch, Loss, NodeState, Record, Refusal, RegisterEvent, Uplink
from gateway.store import Change, Reader
from gateway.store.change import NOBODY
from gateway.store.migrations import migrate
from gateway.store.writer import UNKNOWN_BYTES_MAX, Writer
from tests.gateway.store.made import made

KEY = (11, 0xA1B2C3D4)


def database() -> apsw.Connection:
    db = apsw.Connection("")
    migrate(db, 0)
    return db


@pytest.fixture
def db() -> Iterator[apsw.Connection]:
    made_db = database()
    yield made_db
    made_db.close()


@pytest.fixture
def writer(db: apsw.Connection) -> Writer:
    return Writer(db)


@pytest.fixture
def reader(db: apsw.Connection) -> Reader:
    return Reader(db, Path("in memory"))


def store(writer: Writer, *seqs: int, **settings: int) -> tuple[int, int]:
    (outcome,) = writer.commit([Change(records=[made(seq, **settings) for seq in seqs])])
    return outcome.stored, outcome.duplicates


def test_each_record_is_stored_once(writer: Writer, reader: Reader) -> None:
    assert store(writer, 0, 1, 2, 1) == (3, 1)
    assert store(writer, 2, 3) == (1, 1)
    assert [r.seq for r in reader.after(0, 10)] == [0, 1, 2, 3]
    assert reader.heard(*KEY) == [(0, 3)]


def test_a_record_that_was_pruned_is_still_a_duplicate(
    writer: Writer, reader: Reader, db: apsw.Connection
) -> None:
    store(writer, 0, 1)
    db.execute("DELETE FROM records")
    assert store(Writer(db), 0, 1, 2) == (1, 2)
    assert reader.after(0, 10)[0].commit == 3  # numbers are never used again


@given(
    st.lists(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 12)), min_size=1, max_size=8), max_size=12)
)
def test_heard_intervals_are_the_records(batches: list[list[tuple[int, int]]]) -> None:
    db = database()
    writer, reader = Writer(db), Reader(db, Path("in memory"))
    everything: set[tuple[int, int]] = set()
    for batch in batches:
        (outcome,) = writer.commit([Change(records=[made(seq, node=node) for node, seq in batch])])
        assert outcome.stored == len(set(batch) - everything)
        everything |= set(batch)
        if len(everything) % 3 == 0:
            writer = Writer(db)  # as after a restart
        identities = [(node, seq) for node, _, seq, _ in reader.identities()]
        assert len(identities) == len(everything)
        assert set(identities) == everything
        for node in (1, 2):
            heard = {n for a, b in reader.heard(node, KEY[1]) for n in range(a, b + 1)}
            assert heard == {seq for n, seq in everything if n == node}
    db.close()


def test_of_two_records_in_one_second_the_later_moves(writer: Writer, reader: Reader) -> None:
    records = [made(0, at_s=100), made(1, at_s=101), made(2, at_s=100), made(3, at_s=100, node=12)]
    writer.commit([Change(records=records)])
    found = [(r.node, r.seq, r.measured_at_s, r.moved) for r in reader.after(0, 10)]
    assert found == [(11, 0, 100, False), (11, 1, 101, False), (11, 2, 102, True), (12, 3, 100, False)]


def test_acks_say_what_is_settled(writer: Writer) -> None:
    change = Change(records=[made(0), made(1), made(5)], acks={KEY: [0, 1, 5], (12, 7): []})
    (outcome,) = writer.commit([change])
    assert outcome.acks == {KEY: Ack(2, [(5, 5)]), (12, 7): Ack(0, [])}


def test_a_loss_is_what_is_not_settled_yet(writer: Writer, reader: Reader) -> None:
    store(writer, 3, 4)
    first = Loss(*KEY, 0, 9, "overwritten", 5)
    again = Loss(*KEY, 0, 12, "gone", 6)
    (outcome,) = writer.commit([Change(losses=[first, again], acks={KEY: []})])
    assert reader.losses() == [
        Loss(*KEY, 0, 2, "overwritten", 5),
        Loss(*KEY, 5, 9, "overwritten", 5),
        Loss(*KEY, 10, 12, "gone", 6),
    ]
    assert outcome.acks[KEY] == Ack(13, [])


def test_what_was_given_up_may_come_after_all(writer: Writer, reader: Reader, db: apsw.Connection) -> None:
    writer.commit([Change(losses=[Loss(*KEY, 0, 4, "overwritten", 5)])])
    assert store(Writer(db), 2, 0) == (2, 0)
    assert reader.losses() == [Loss(*KEY, 1, 1, "overwritten", 5), Loss(*KEY, 3, 4, "overwritten", 5)]
    assert store(writer, 1) == (1, 0)


def test_a_change_that_fails_does_nothing(writer: Writer, reader: Reader, db: apsw.Connection) -> None:
    store(writer, 0)
    impossible = Record(11, KEY[1], 2, 1 << 70, 0, 0, 1, (1,), (0,), "mqtt")
    state = NodeState(11, b"check", highest=9)
    with pytest.raises(OverflowError):
        writer.commit([Change(records=[made(1), impossible], nodes=[state])])
    assert not db.in_transaction
    assert [r.seq for r in reader.after(0, 10)] == [0]
    assert reader.nodes() == []
    assert store(writer, 1, 2) == (2, 0)  # nor does it remember having heard it


def test_everything_else_comes_back_as_it_went_in(writer: Writer, reader: Reader) -> None:
    state = NodeState(11, b"8 bytes.", 70, (1 << 64) - 1, True, 1025, 7, 6, '{"epoch": 1}')
    epochs = [Epoch(11, 0x1D4, 1), Epoch(11, 0x2D4, 2, 5, 9)]
    anchors = {(11, 7): [Anchor(1, 2, 3), Anchor(4, 5, 6)], (11, 8): [Anchor(1, 1, 1)]}
    unknown = [Uplink(b"raw", 5, "mqtt", None, None), Uplink(b"more", 6, "lora", -120, -7.5)]
    refusals = {(Refusal.REPLAY, 11): 3, (Refusal.MALFORMED, NOBODY): 1}
    writer.commit([Change(nodes=[state], epochs=epochs, anchors=anchors, unknown=unknown, refusals=refusals)])
    writer.commit([Change(nodes=[state], refusals={(Refusal.REPLAY, 11): 2}, anchors={(11, 8): ()})])
    assert reader.nodes() == [state]
    assert reader.epochs() == epochs
    assert reader.anchors() == {(11, 7): anchors[11, 7]}
    assert reader.unknown_frames() == unknown
    assert reader.refusals() == {(Refusal.REPLAY, 11): 5, (Refusal.MALFORMED, NOBODY): 1}


def test_an_epoch_introduced_again_is_the_newest(writer: Writer, reader: Reader) -> None:
    one, two = Epoch(11, 1, 1), Epoch(11, 2, 2)
    writer.commit([Change(epochs=[one, two])])
    writer.commit([Change(epochs=[one])])
    assert reader.epochs() == [two, one]


def test_unknown_frames_take_no_more_than_their_room(
    writer: Writer, reader: Reader, db: apsw.Connection
) -> None:
    frames = [Uplink(bytes([n]) * 100_000, n, "mqtt") for n in range(12)]
    writer.commit([Change(unknown=frames[:6])])
    Writer(db).commit([Change(unknown=frames[6:])])
    kept = reader.unknown_frames()
    assert kept == frames[2:]
    assert sum(len(u.frame) for u in kept) == UNKNOWN_BYTES_MAX


def test_an_event_of_registers_counts_once(writer: Writer, reader: Reader) -> None:
    event = RegisterEvent(11, 0, 500, 500, "swap", None, b"mark", ((2, 5, 0), (3, 1 << 39, 7)), 5)
    again = replace(event, at_s=510, noted_at_ms=9)  # placed by an anchor that is better by now
    later = replace(event, time_s=499, at_s=499, kind="reset")
    writer.commit([Change(registers=[event]), Change(registers=[again, later])])
    assert reader.register_events() == [later, event]
