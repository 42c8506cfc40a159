"""Finds records in the pages of a damaged database that its tables no longer lead to."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw
import cbor2
import structlog

from gateway.clock import plausible
from gateway.heard import SequenceSet
from gateway.store.chunk import Chunk, Columns
from gateway.store.columns import Malformed
from gateway.store.pages import Pages, Row
from gateway.store.rows import RECORD_COLUMNS, stored_record
from gateway.store.sealed import CHUNK_COLUMNS

log = structlog.get_logger()

Sets = dict[tuple[int, int], SequenceSet]  # (node, epoch) -> sequences

_RECORD_WIDTHS = (14, 15)  # commit_no and RECORD_COLUMNS, before `receivers` was added and since
_CHUNK_TYPES = (type(None), int, int, int, int, int, int, bytes)
_NODES = range(1, 1 << 16)


def add(found: Sets, key: tuple[int, int], seqs: Iterable[int]) -> None:
    """Add sequences of an epoch."""
    sequences = found.setdefault(key, SequenceSet())
    for seq in seqs:
        sequences.add(seq, seq)


def from_pages(aside: Path, db: apsw.Connection, found: Sets) -> int:
    """Copy what pages hold beyond `found`, which is brought up to date; return how many records that is.

    What was pruned, as far as that is known, is left out. Free pages may still hold what has been sealed
    since, or was pruned long ago: such records are true, and nothing is taken twice.
    """
    before = sum(map(len, found.values()))
    gone: Sets = {}
    for node, epoch, first, last in db.execute("SELECT node, epoch, first, last FROM pruned"):
        gone.setdefault((node, epoch), SequenceSet()).add(first, last)
    pages = Pages(aside)
    try:
        for row_id, row in pages.rows():
            if tuple(map(type, row)) == _CHUNK_TYPES:
                _take_chunk(row_id, row, db, found, gone)
        for row_id, row in pages.rows():  # now it is known which of them are sealed, too
            if len(row) in _RECORD_WIDTHS:
                _take_record(row_id, row, db, found, gone)
    finally:
        pages.close()
    _enter_segments(db)
    count = sum(map(len, found.values())) - before
    if count:
        log.warning("records_found_in_pages", records=count)
    return count


def _take_chunk(row_id: int, row: Row, db: apsw.Connection, found: Sets, gone: Sets) -> None:
    values: Any = row[1:]
    chunk = Chunk(*values)
    key = chunk.node, chunk.epoch
    try:
        seqs = Columns(chunk).seqs
    except Malformed:
        return
    known, pruned = found.get(key, ()), gone.get(key, ())
    if any(seq in known or seq in pruned for seq in seqs):
        return
    places = ", ".join("?" * len(row))
    db.execute(f"INSERT OR IGNORE INTO chunks ({CHUNK_COLUMNS}) VALUES ({places})", (row_id, *values))  # noqa: S608
    if db.changes():
        add(found, key, seqs)


def _take_record(row_id: int, row: Row, db: apsw.Connection, found: Sets, gone: Sets) -> None:
    """Copy a row if it is a record that is not there yet, and its place is free."""
    whole = (row_id, *row[1:], *[None] * (_RECORD_WIDTHS[-1] - len(row)))
    try:
        record = stored_record(whole)
        key, seq = (record.node, record.epoch), record.seq
        if record.node not in _NODES or not plausible(1000 * record.measured_at_s):
            return
        if seq in found.get(key, ()) or seq in gone.get(key, ()):
            return
        places = ", ".join("?" * len(whole))
        insert = f"INSERT OR IGNORE INTO records (commit_no, {RECORD_COLUMNS}) VALUES ({places})"  # noqa: S608
        db.execute(insert, whole)
    except (apsw.Error, cbor2.CBORDecodeError, TypeError, ValueError):
        return  # not a row that was written so
    if db.changes():
        add(found, key, [seq])


def _enter_segments(db: apsw.Connection) -> None:
    """Enter segments for the chunks that belong to none.

    Chunks are numbered in the order of their segments, and all commits of a segment come after those of the
    one before: so where a chunk begins after everything that came before it, a segment begins.
    """
    segments: list[list[int]] = []  # first and last commit, first and last chunk, count
    loose = (
        f"SELECT {CHUNK_COLUMNS} FROM chunks WHERE NOT EXISTS "  # noqa: S608
        "(SELECT 1 FROM segments WHERE chunks.id BETWEEN first_chunk AND last_chunk) ORDER BY id"
    )
    for id_, *rest in db.execute(loose):
        chunk = Chunk(*rest)
        commits = Columns(chunk).commits
        first, last = min(commits), max(commits)
        if not segments or first > segments[-1][1]:
            segments.append([first, last, id_, id_, chunk.count])
        else:
            before = segments[-1]
            segments[-1] = [
                min(before[0], first), max(before[1], last), before[2], id_, before[4] + chunk.count
            ]  # fmt: skip
    db.executemany(
        "INSERT INTO segments (first_commit, last_commit, first_chunk, last_chunk, count, sealed_at_ms) "
        "VALUES (?, ?, ?, ?, ?, 0)",
        segments,
    )
