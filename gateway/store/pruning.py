"""Making room: whole segments leave the store, the oldest that sync has had first.

A record that sync never had leaves only when the store would outgrow its cap, and is then counted as lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apsw
import structlog

from gateway.heard import SequenceSet
from gateway.model import Span
from gateway.store.chunk import Columns
from gateway.store.columns import Malformed
from gateway.store.sealed import chunk_rows

log = structlog.get_logger()

SYNCED, CAP = "synced", "cap"  # why a record was pruned


@dataclass(frozen=True, slots=True)
class Limits:
    """`cap_bytes` is for everything the store has on disk; `free_bytes` is to stay free beside it.

    With more than `watermark_percent` of the cap unsynced, somebody should be told.
    """

    cap_bytes: int = 4 << 30
    free_bytes: int = 128 << 20
    watermark_percent: int = 60

    @property
    def prune_bytes(self) -> int:
        """From here on synced segments leave."""
        return self.cap_bytes * 8 // 10

    @property
    def drop_bytes(self) -> int:
        """From here on any segment leaves; the rest is for the write-ahead log."""
        return self.cap_bytes * 9 // 10


@dataclass(frozen=True, slots=True)
class Sealment:
    """One segment's place in the order of commits."""

    id: int
    first_commit: int
    last_commit: int
    first_chunk: int
    last_chunk: int


def segments(db: apsw.Connection) -> list[Sealment]:
    """Return the segments there are, the oldest first."""
    rows = db.execute(
        "SELECT id, first_commit, last_commit, first_chunk, last_chunk FROM segments ORDER BY last_commit"
    )
    return [Sealment(*row) for row in rows]


def synced_set(db: apsw.Connection) -> SequenceSet:
    """Return the commit numbers that sync has settled, as it last said."""
    return SequenceSet(db.execute("SELECT first, last FROM synced ORDER BY first"))


def choose(found: Sequence[Sealment], synced: SequenceSet, *, at_cap: bool) -> Sealment | None:
    """Return which segment leaves next: the oldest that is wholly synced, else at the cap the oldest."""
    for segment in found:
        if not synced.gaps(segment.first_commit, segment.last_commit):
            return segment
    return found[0] if at_cap and found else None


def aged(db: apsw.Connection, before_s: int) -> Sealment | None:
    """Return the oldest segment that sync has had and that holds nothing measured since `before_s`."""
    synced = synced_set(db)
    for segment in segments(db):
        if synced.gaps(segment.first_commit, segment.last_commit):
            continue
        newest = "SELECT max(last_s) FROM chunks WHERE id BETWEEN ? AND ?"
        ((last_s,),) = db.execute(newest, (segment.first_chunk, segment.last_chunk))
        if last_s is None or last_s < before_s:
            return segment
    return None


def prune(db: apsw.Connection, segment: Sealment, now_ms: int) -> int:
    """Take `segment` out, inside the writer's transaction; return how many unsynced records that cost."""
    synced = synced_set(db)
    lost = 0
    for id_, chunk in chunk_rows(db, segment.first_chunk, segment.last_chunk):
        try:
            columns = Columns(chunk)
        except Malformed as error:
            log.error("damaged_chunk_pruned", chunk=id_, records=chunk.count, reason=str(error))  # noqa: TRY400
            continue
        had, unsynced = SequenceSet(), SequenceSet()
        for seq, commit in zip(columns.seqs, columns.commits, strict=True):
            (had if commit in synced else unsynced).add(seq, seq)
        _note(db, chunk.node, chunk.epoch, had, SYNCED, now_ms)
        _note(db, chunk.node, chunk.epoch, unsynced, CAP, now_ms)
        lost += len(unsynced)
    db.execute("DELETE FROM chunks WHERE id BETWEEN ? AND ?", (segment.first_chunk, segment.last_chunk))
    db.execute("DELETE FROM segments WHERE id = ?", (segment.id,))
    return lost


def _note(db: apsw.Connection, node: int, epoch: int, gone: SequenceSet, cause: str, now_ms: int) -> None:
    """Enter what is gone, as part of the interval before where it follows that one."""
    for first, last in gone:
        db.execute(
            "UPDATE pruned SET last = ?, pruned_at_ms = ? "
            "WHERE node = ? AND epoch = ? AND last = ? AND cause = ?",
            (last, now_ms, node, epoch, first - 1, cause),
        )
        if not db.changes():
            db.execute(
                "INSERT INTO pruned (node, epoch, first, last, cause, pruned_at_ms) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (node, epoch, first, last, cause, now_ms),
            )


def note_synced(db: apsw.Connection, spans: Iterable[Span]) -> None:
    """Remember what sync has settled, in the place of what it said before."""
    db.execute("DELETE FROM synced")
    db.executemany("INSERT INTO synced (first, last) VALUES (?, ?)", spans)
