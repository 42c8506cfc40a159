"""Whether a record is hot or sealed shows nowhere, and is decided in one transaction."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Record
from gateway.store import Change, Reader, StoreError, sealing
from gateway.store.migrations import migrate
from gateway.store.sealing import next_segment, put_in_place
from gateway.store.writer import Writer
from tests.gateway.store.made import made

START_S = 1_795_000_000


class Pair:
    """The same changes in two databases; only the first is ever sealed."""

    def __init__(self) -> None:
        self.dbs = [apsw.Connection(""), apsw.Connection("")]
        for db in self.dbs:
            migrate(db, 0)
        self.writers = [Writer(db) for db in self.dbs]
        self.readers = [Reader(db, Path("in memory")) for db in self.dbs]

    def store(self, *records: Record) -> int:
        one, other = (w.commit([Change(records=records)])[0].stored for w in self.writers)
        assert one == other
        return one

    def seal(self) -> None:
        segment = next_segment(self.dbs[0], everything=True)
        if segment is not None:
            self.writers[0].perform(lambda db: put_in_place(db, segment, 0))

    def same(self) -> None:
        sealed, hot = self.readers
        last = hot.last_commit()
        assert sealed.last_commit() == last
        everything = hot.after(0, 10_000)
        assert sealed.after(0, 10_000) == everything
        for commit, limit in ((last // 2, 3), (last - 1, 5), (1, 1)):
            assert sealed.after(commit, limit) == hot.after(commit, limit)
            by_column = (s.record(i) for s in sealed.stretches(commit, last) for i in range(len(s)))
            assert sorted(by_column, key=lambda r: r.commit) == hot.after(commit - 1, 10_000)
        assert list(sealed.identities()) == list(hot.identities())
        assert sealed.counts() == hot.counts()
        for node in (1, 2, 3):
            assert sealed.newest(node) == hot.newest(node)
            for from_s, to_s in ((0, 1 << 40), (START_S + 5, START_S + 30)):
                assert sealed.history(node, from_s, to_s) == hot.history(node, from_s, to_s)


def whole(record: Record) -> Record:
    """Sealed records know their receipt to the second."""
    return replace(record, received_at_ms=record.received_at_ms // 1000 * 1000)


STEPS = st.lists(
    st.one_of(
        st.just(None),  # seal
        st.lists(
            st.tuples(st.integers(1, 2), st.integers(0, 60), st.integers(0, 40)), min_size=1, max_size=6
        ),
    ),
    max_size=14,
)


@settings(max_examples=60)
@given(STEPS, st.integers(1, 40))
def test_sealed_and_hot_look_alike(steps: list[list[tuple[int, int, int]] | None], least: int) -> None:
    before = sealing.LEAST
    sealing.LEAST = least  # also segments of a few records, several times in one history
    try:
        pair = Pair()
        for step in steps:
            if step is None:
                pair.seal()
            else:  # the same seconds come up again and again, early and late
                pair.store(*(whole(made(seq, node=n, at_s=START_S + at)) for n, seq, at in step))
            pair.same()
    finally:
        sealing.LEAST = before


@pytest.fixture
def db() -> Iterator[apsw.Connection]:
    made_db = apsw.Connection("")
    migrate(made_db, 0)
    yield made_db
    made_db.close()


def seal_all(writer: Writer, db: apsw.Connection) -> None:
    segment = next_segment(db, everything=True)
    assert segment is not None
    writer.perform(lambda d: put_in_place(d, segment, 0))


def test_a_late_record_gives_way_to_a_sealed_one_in_its_second(db: apsw.Connection) -> None:
    writer, reader = Writer(db), Reader(db, Path("in memory"))
    writer.commit([Change(records=[made(n, at_s=START_S + n) for n in range(20)])])
    seal_all(writer, db)
    writer.commit([Change(records=[made(100, at_s=START_S + 7), made(101, at_s=START_S + 7)])])
    late = [(r.seq, r.measured_at_s - START_S, r.moved) for r in reader.after(20, 9)]
    assert late == [(100, 20, True), (101, 21, True)]
    seconds = [r.measured_at_s for r in reader.history(11, 0, 1 << 40)]
    assert len(seconds) == len(set(seconds)) == 22


def test_a_sealed_record_is_still_a_duplicate(db: apsw.Connection) -> None:
    writer = Writer(db)
    writer.commit([Change(records=[made(n) for n in range(20)])])
    seal_all(writer, db)
    for again in (writer, Writer(db)):
        (outcome,) = again.commit([Change(records=[made(n) for n in range(20)])])
        assert (outcome.stored, outcome.duplicates) == (0, 20)


def test_too_few_rows_stay_hot_and_the_newest_do(
    db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "LEAST", 10)
    monkeypatch.setattr(sealing, "PER_NODE", 1)
    writer = Writer(db)
    writer.commit([Change(records=[made(n) for n in range(19)])])
    assert next_segment(db) is None
    writer.commit([Change(records=[made(19)])])
    segment = next_segment(db)
    assert segment is not None
    assert (segment.first_commit, segment.last_commit, segment.count) == (1, 10, 10)


def test_one_chunk_for_each_node_epoch_schema_and_at_most_so_many(
    db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "CHUNK_MOST", 8)
    records = [made(n) for n in range(10)] + [made(n, epoch=5, at_s=START_S - n) for n in range(1, 3)]
    records += [replace(made(n, node=12), schema_id=1 + n % 2) for n in range(4)]
    random.Random(3).shuffle(records)
    Writer(db).commit([Change(records=records)])
    segment = next_segment(db, everything=True)
    assert segment is not None
    counts = sorted((c.node, c.epoch, c.schema_id, c.count) for c in segment.chunks)
    key = 0xA1B2C3D4
    assert counts == [(11, 5, 1, 2), (11, key, 1, 2), (11, key, 1, 8), (12, key, 1, 2), (12, key, 2, 2)]


def test_a_segment_that_does_not_fit_its_rows_changes_nothing(db: apsw.Connection) -> None:
    writer, reader = Writer(db), Reader(db, Path("in memory"))
    writer.commit([Change(records=[made(n) for n in range(20)])])
    segment = next_segment(db, everything=True)
    assert segment is not None
    wrong = replace(segment, count=19, chunks=segment.chunks)
    with pytest.raises(StoreError, match="nothing is changed"):
        writer.perform(lambda d: put_in_place(d, wrong, 0))
    assert len(reader.after(0, 99)) == 20
    assert db.execute("SELECT count(*) FROM chunks").get == 0


def test_a_damaged_chunk_hides_only_its_own_records(db: apsw.Connection) -> None:
    writer, reader = Writer(db), Reader(db, Path("in memory"))
    writer.commit([Change(records=[made(n, node=node) for n in range(5) for node in (11, 12)])])
    seal_all(writer, db)
    db.execute("UPDATE chunks SET body = zeroblob(length(body)) WHERE node = 11")
    assert {r.node for r in reader.after(0, 99)} == {12}
    assert reader.history(11, 0, 1 << 40) == []
    assert reader.newest(11) is None
    assert reader.newest(12) is not None
