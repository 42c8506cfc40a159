"""Sealing: the oldest hot rows, in commit order, become one segment of compressed chunks.

The segment is made from a reading connection, beside the writer, since committed rows do not change; only
putting it in the place of the rows is the writer's, in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from gateway.model import StoredRecord
from gateway.store.change import StoreError
from gateway.store.chunk import Chunk, make_chunk
from gateway.store.rows import RECORD_COLUMNS, stored_record

# Records of a node in one segment: enough for its columns to compress; more only delays the sealing.
PER_NODE = 128
LEAST, MOST = 4096, 65_536  # records of a segment
CHUNK_MOST = 2048  # records; who wants an hour of a node opens a whole chunk


@dataclass(frozen=True, slots=True)
class Segment:
    """The hot rows up to `last_commit`, as chunks. `count` of records."""

    first_commit: int
    last_commit: int
    count: int
    chunks: Sequence[Chunk]


def next_segment(db: apsw.Connection, *, everything: bool = False) -> Segment | None:
    """Return the segment to seal next; None while there are too few hot rows (unless `everything`).

    Twice a segment's records may be hot: so the newest half, and with it late arrivals' likely
    neighbours, are plain rows.
    """
    counts: dict[int, int] = dict(db.execute("SELECT node, count(*) FROM records GROUP BY node"))
    total = sum(counts.values())
    size = min(max(LEAST, PER_NODE * len(counts)), MOST)
    if total == 0 or (total < 2 * size and not everything):
        return None
    ((first,),) = db.execute("SELECT min(commit_no) FROM records")
    ((last,),) = db.execute(
        "SELECT commit_no FROM records ORDER BY commit_no LIMIT 1 OFFSET ?", (min(size, total) - 1,)
    )
    chunks: list[Chunk] = []
    for node in counts:
        chunks += _chunks_of(db, node, last)
    return Segment(first, last, sum(chunk.count for chunk in chunks), chunks)


def _chunks_of(db: apsw.Connection, node: int, last_commit: int) -> list[Chunk]:
    rows = db.execute(
        f"SELECT commit_no, {RECORD_COLUMNS} FROM records "  # noqa: S608
        "WHERE node = ? AND commit_no <= ? ORDER BY epoch, seq",
        (node, last_commit),
    )
    groups: dict[tuple[int, int, int], list[StoredRecord]] = {}
    for row in rows:
        record = stored_record(row)
        groups.setdefault((record.epoch, record.schema_id, len(record.values)), []).append(record)
    return [
        make_chunk(records[start : start + CHUNK_MOST])
        for records in groups.values()
        for start in range(0, len(records), CHUNK_MOST)
    ]


def put_in_place(db: apsw.Connection, segment: Segment, now_ms: int) -> None:
    """Replace the hot rows by the segment, inside the writer's transaction. Raises StoreError."""
    ids = []
    for c in segment.chunks:
        db.execute(
            "INSERT INTO chunks (node, epoch, schema_id, count, first_s, last_s, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (c.node, c.epoch, c.schema_id, c.count, c.first_s, c.last_s, c.body),
        )
        ids.append(db.last_insert_rowid())
    db.execute(
        "INSERT INTO segments (first_commit, last_commit, first_chunk, last_chunk, count, sealed_at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (segment.first_commit, segment.last_commit, ids[0], ids[-1], segment.count, now_ms),
    )
    db.execute("DELETE FROM records WHERE commit_no <= ?", (segment.last_commit,))
    if db.changes() != segment.count:
        raise StoreError(
            f"{db.changes()} rows up to commit {segment.last_commit} are there, but {segment.count} were "
            "sealed: nothing is changed"
        )
