"""A damaged database is set aside, and what can be read of it goes into a new one.

The new store has an id of its own, so every cursor starts anew: sync sends all again, which is harmless.
What cannot be read is no longer counted as heard: nodes that still hold it send it once more.

First the tables are read as far as SQLite can follow them, then every page by itself for what is left: so
records outlive the loss of the first page, or of any other that others hang on.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import cbor2
import structlog

from gateway.heard import SequenceSet
from gateway.store.chunk import Chunk, Columns
from gateway.store.columns import Malformed
from gateway.store.rows import RECORD_COLUMNS, record_row, stored_record
from gateway.store.scavenging import Sets, add, from_pages
from gateway.store.sealed import CHUNK_COLUMNS

log = structlog.get_logger()

# Tables that are copied row by row as they are; the others are made anew from what is found.
_PLAIN = ("losses", "epochs", "nodes", "anchors", "refusals", "unknown_frames", "pruned", "register_events")
_NUMBERS = 1 << 48  # no commit or chunk number is higher


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged store, now at `aside`. Counts of records; `missing` were heard once."""

    aside: Path
    records: int
    missing: int
    reason: str


def salvage(aside: Path, db: apsw.Connection, reason: str) -> Salvaged:
    """Copy what can be read of the store at `aside` into the new one behind `db`, in one transaction."""
    log.error("store_damaged", reason=reason, set_aside=str(aside), next="what can be read is copied")
    old = apsw.Connection(str(aside))
    try:
        old.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # it stays as it was found
        with db:
            found = _copy(old, db)
            from_pages(aside, db, found)
            _number_on(old, db)
            records = sum(map(len, found.values()))
            missing = _heard(old, db, found)
    finally:
        with suppress(apsw.Error):
            old.close()
    log.warning("store_salvaged", records=records, missing=missing)
    return Salvaged(aside, records, missing, reason)


def _copy(old: apsw.Connection, db: apsw.Connection) -> Sets:
    """Copy everything but what was heard; return the sequences of the records that made it."""
    for table in _PLAIN:
        _copy_plain(old, db, table)
    found: Sets = {}
    orphans = _copy_sealed(old, db, found)
    columns = f"commit_no, {RECORD_COLUMNS}"
    there = _columns(old, "records")
    wanted = ", ".join(name if name in there else "NULL" for name in columns.split(", "))
    for row in [*orphans, *_walk(old, "records", "commit_no", wanted)]:
        try:
            record = stored_record(row)
            seq = record.seq
            places = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO records ({columns}) VALUES ({places})", row)  # noqa: S608
        except (apsw.Error, cbor2.CBORDecodeError, TypeError, ValueError):
            continue  # not a row that was written so, or one whose place is taken
        add(found, (record.node, record.epoch), [seq])
    return found


def _number_on(old: apsw.Connection, db: apsw.Connection) -> None:
    """Let commit numbers go on where they were: none is given a second time."""
    highest = max(_number(old, "sqlite_sequence"), _number(db, "records"), _number(db, "segments"))
    db.execute("DELETE FROM sqlite_sequence WHERE name = 'records'")
    db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('records', ?)", (highest,))


def _copy_plain(old: apsw.Connection, db: apsw.Connection, table: str) -> None:
    """From both ends, as far as that goes."""
    with suppress(apsw.Error):
        there = _columns(old, table)
        names = [name for name in _columns(db, table) if name in there]
        keys = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5]]
        insert = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        for order in ("ASC", "DESC"):
            by = ", ".join(f"{key} {order}" for key in keys)
            with suppress(apsw.Error):
                for row in old.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY {by}"):  # noqa: S608
                    with suppress(apsw.Error):
                        db.execute(insert, row)
                break  # all of it is there


def _columns(db: apsw.Connection, table: str) -> list[str]:
    """Return the names of a table's columns: an older gateway may have written it."""
    with suppress(apsw.Error):
        return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    return []


def _copy_sealed(old: apsw.Connection, db: apsw.Connection, found: Sets) -> list[tuple[Any, ...]]:
    """Copy segments and their chunks; return the records of chunks whose segment is not there, as rows."""
    segments = list(_walk(old, "segments", "id", "*"))
    for row in segments:
        with suppress(apsw.Error):
            db.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    numbers = SequenceSet((row[3], row[4]) for row in segments if row[3] <= row[4])
    orphans: list[tuple[Any, ...]] = []
    for row in _walk(old, "chunks", "id", CHUNK_COLUMNS):
        id_, *rest = row
        chunk = Chunk(*rest)
        try:
            columns = Columns(chunk)
        except (Malformed, TypeError):
            continue
        if id_ in numbers:
            places = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO chunks ({CHUNK_COLUMNS}) VALUES ({places})", row)  # noqa: S608
            add(found, (chunk.node, chunk.epoch), columns.seqs)
        else:
            for i in range(chunk.count):
                record = columns.record(i)
                orphans.append((record.commit, *record_row(record, record.measured_at_s, record.moved)))
    return orphans


def _heard(old: apsw.Connection, db: apsw.Connection, found: Sets) -> int:
    """Enter as heard what is there and what was pruned; return how many more had been."""
    kept = {key: SequenceSet(sequences) for key, sequences in found.items()}
    for node, epoch, first, last in db.execute("SELECT node, epoch, first, last FROM pruned"):
        kept.setdefault((node, epoch), SequenceSet()).add(first, last)
    missing = 0
    with suppress(apsw.Error, ValueError):
        for node, epoch, first, last in old.execute("SELECT node, epoch, first, last FROM heard"):
            gaps = kept.get((node, epoch), SequenceSet()).gaps(first, last)
            missing += sum(high - low + 1 for low, high in gaps)
    db.executemany(
        "INSERT INTO heard (node, epoch, first, last) VALUES (?, ?, ?, ?)",
        [(*key, first, last) for key, sequences in kept.items() for first, last in sequences],
    )
    return missing


def _walk(db: apsw.Connection, table: str, key: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table with an integer key that can be read, stepping over damaged pages."""
    sql = f"SELECT {columns} FROM {table} WHERE {key} > ? AND {key} <= ? ORDER BY {key}"  # noqa: S608
    at, step, failed_at = 0, 1, 0
    while at < _NUMBERS:
        last = at
        try:
            for row in db.execute(sql, (at, _NUMBERS)):
                if step > 1:  # the first row after a jump: look back for those that were jumped over
                    yield from _back(db, table, key, columns, failed_at, row[0])
                    step = 1
                last = row[0]
                yield row
            return
        except apsw.Error:
            failed_at = max(failed_at, last)
            at, step = max(at, last) + step, step * 2


def _back(
    db: apsw.Connection, table: str, key: str, columns: str, low: int, high: int
) -> list[tuple[Any, ...]]:
    """Return, ascending, the rows between two keys that can be reached from above."""
    rows: list[tuple[Any, ...]] = []
    sql = f"SELECT {columns} FROM {table} WHERE {key} > ? AND {key} < ? ORDER BY {key} DESC"  # noqa: S608
    with suppress(apsw.Error):
        rows.extend(db.execute(sql, (low, high)))
    return rows[::-1]


def _number(db: apsw.Connection, table: str) -> int:
    sql = {
        "sqlite_sequence": "SELECT seq FROM sqlite_sequence WHERE name = 'records'",
        "records": "SELECT max(commit_no) FROM records",
        "segments": "SELECT max(last_commit) FROM segments",
    }
    with suppress(apsw.Error):
        for (number,) in db.execute(sql[table]):
            if isinstance(number, int) and 0 < number < _NUMBERS:
                return number
    return 0
