"""What leaves the store, in which order, and that it is written down."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from gateway.heard import SequenceSet
from gateway.model import Epoch, LedgerLine, Loss
from gateway.store import Change, Reader
from gateway.store.migrations import migrate
from gateway.store.pruning import Limits, Sealment, aged, choose, note_synced, prune, segments
from gateway.store.sealing import next_segment, put_in_place
from gateway.store.writer import Writer
from tests.gateway.store.made import made

EPOCH = 0xA1B2C3D4
THREE = [Sealment(n, 10 * n + 1, 10 * n + 10, n, n) for n in range(3)]


@pytest.fixture
def db() -> Iterator[apsw.Connection]:
    """Three segments of ten records each."""
    made_db = apsw.Connection("")
    migrate(made_db, 0)
    writer = Writer(made_db)
    writer.commit([Change(epochs=[Epoch(11, EPOCH, 0, 30)])])
    for start in (0, 10, 20):
        writer.commit([Change(records=[made(n) for n in range(start, start + 10)])])
        segment = next_segment(made_db, everything=True)
        assert segment is not None
        put_in_place(made_db, segment, 0)
    yield made_db
    made_db.close()


@pytest.mark.parametrize(
    ("synced", "at_cap", "chosen"),
    [
        ([], False, None),
        ([], True, 0),
        ([(1, 30)], False, 0),
        ([(11, 20)], False, 1),  # newest first: what sync has may lie behind what it has not
        ([(11, 20)], True, 1),
        ([(12, 20)], False, None),
        ([(12, 20)], True, 0),
    ],
)
def test_the_oldest_synced_goes_first(
    synced: list[tuple[int, int]], at_cap: bool, chosen: int | None
) -> None:
    found = choose(THREE, SequenceSet(synced), at_cap=at_cap)
    assert (found.id if found else None) == chosen
    assert choose([], SequenceSet(), at_cap=True) is None


def test_what_is_old_leaves_only_once_sync_has_had_it(db: apsw.Connection) -> None:
    ends_s = [made(n).measured_at_s for n in (9, 19, 29)]
    assert aged(db, ends_s[2] + 1) is None  # sync has had nothing
    note_synced(db, [(1, 5), (11, 30)])
    found = aged(db, ends_s[2] + 1)
    assert found is not None
    assert found.first_commit == 11  # the one before it is old, too, and waits for sync
    assert aged(db, ends_s[1]) is None
    while found := aged(db, ends_s[1] + 1):
        assert prune(db, found, 5) == 0
    assert [s.first_commit for s in segments(db)] == [1, 21]


def test_what_sync_had_is_no_loss(db: apsw.Connection) -> None:
    reader = Reader(db, Path("in memory"))
    note_synced(db, [(1, 20)])
    oldest, second, _ = segments(db)
    assert prune(db, oldest, 5) == prune(db, second, 6) == 0
    assert [r.seq for r in reader.after(0, 99)] == list(range(20, 30))
    assert reader.losses() == []
    assert db.execute("SELECT * FROM pruned").fetchall() == [(11, EPOCH, 0, 19, "synced", 6)]
    assert reader.ledger() == [LedgerLine(11, EPOCH, 30, 30, 10, 0, 20)]
    assert reader.last_commit() == 30


def test_what_sync_never_had_is_counted_with_the_cause(db: apsw.Connection) -> None:
    reader = Reader(db, Path("in memory"))
    note_synced(db, [(4, 4), (8, 30)])
    assert prune(db, segments(db)[0], 5) == 6
    assert reader.losses() == [Loss(11, EPOCH, 0, 2, "cap", 5), Loss(11, EPOCH, 4, 6, "cap", 5)]
    assert reader.ledger() == [LedgerLine(11, EPOCH, 30, 30, 20, 6, 10)]
    (again,) = Writer(db).commit([Change(records=[made(2)])])
    assert (again.stored, again.duplicates) == (0, 1)  # it was heard, and its node was told so


def test_a_damaged_segment_can_be_pruned(db: apsw.Connection) -> None:
    db.execute("UPDATE chunks SET body = zeroblob(9) WHERE id = 1")
    assert prune(db, segments(db)[0], 5) == 0
    assert len(segments(db)) == 2


def test_limits_lie_in_order() -> None:
    limits = Limits(1000)
    assert limits.prune_bytes < limits.drop_bytes < limits.cap_bytes
