"""What sync has achieved: which records are settled, and which the server refused. The only SQL here.

Settled means proven to be in InfluxDB, or kept in quarantine with the reason. Both are written in one
transaction and durable when a method returns, so a crash at any moment only makes points be sent again.
One process and one thread at a time use a Journal.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import apsw
import structlog

from cloud_sync import rewrites
from gateway.heard import SequenceSet
from gateway.model import Span
from gateway.store.damage import DAMAGE, set_aside

log = structlog.get_logger()

_APPLICATION_ID = 0x534E5359  # "SNSY", in the file's header
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

-- numbers of the store's records, inclusive
CREATE TABLE settled (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    store_id BLOB NOT NULL,
    commit_no INTEGER NOT NULL,
    node INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    measured_at_s INTEGER NOT NULL,
    line TEXT NOT NULL,           -- '' where none could be made
    status INTEGER NOT NULL,      -- of the HTTP answer; 0: never sent
    reason TEXT NOT NULL,
    refused_at_ms INTEGER NOT NULL,
    retry INTEGER NOT NULL DEFAULT 0,
    dropped_at_ms INTEGER,        -- given up by a human; the row stays, for the ledger
    UNIQUE (node, epoch, seq)
) STRICT;
"""
_STEPS = (_SCHEMA, rewrites.SCHEMA)  # a step is added, never changed
_COLUMNS = (
    "id, store_id, commit_no, node, epoch, seq, measured_at_s, line, status, reason, refused_at_ms, retry"
)


class JournalError(RuntimeError):
    """sync.db was written by a newer version, or is another program's."""


class Item(NamedTuple):
    """One record on its way: its number in the store, its identity, its line ('' where none can be made)."""

    commit: int
    node: int
    epoch: int
    seq: int
    measured_at_s: int
    line: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record the server, or line protocol itself, will not take. `status` 0: it was never sent."""

    item: Item
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A refused record as it is kept. `commit` is its number in the store `store_id`."""

    id: int
    store_id: bytes
    commit: int
    node: int
    epoch: int
    seq: int
    measured_at_s: int
    line: str
    status: int
    reason: str
    refused_at_ms: int
    retry: int


class Journal:
    """The open sync.db. `settled` holds record numbers; `synced` counts the records proven written."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.rewrites = rewrites.Rewrites(db)
        self.store_id: bytes = db.execute("SELECT value FROM meta WHERE key = 'store_id'").get or b""
        self.settled = SequenceSet()
        self.synced = self.quarantined = self.dropped = 0
        self._read()

    @classmethod
    def open(cls, path: Path, now_ms: int) -> Self:
        """Open or create. A damaged file is set aside: all points are then sent again, which is harmless.

        Raises JournalError; apsw.Error and OSError where the disk fails.
        """
        try:
            return cls(_open(path))
        except DAMAGE as error:
            aside = set_aside(path, now_ms)
            log.warning(
                "sync_journal_damaged", reason=str(error), set_aside=str(aside), next="sends all again"
            )
            return cls(_open(path))

    def close(self) -> None:
        self._db.close()

    def bind(self, store_id: bytes) -> bool:
        """Make this the journal of that store. True when it was another's: nothing counts as settled then.

        Quarantine stays: what the new store also holds replaces it when it is sent.
        """
        if store_id == self.store_id:
            return False
        was_another = bool(self.store_id)
        with _transaction(self._db):
            self._db.execute("DELETE FROM settled")
            self._db.execute("DELETE FROM rewrites")  # everything is sent again anyhow
            self._set("store_id", store_id)
            self._set("synced", 0)
        self.store_id = store_id
        self._read()
        return was_another

    def settle(
        self, span: Span | None, delivered: Sequence[Item], refused: Sequence[Refusal], now_ms: int
    ) -> None:
        """Record what became of the records of `span` (None: of records settled or claimed otherwise).

        A delivered record leaves quarantine, a refused one enters it or gets its new reason.
        """
        try:
            with _transaction(self._db):
                if self.quarantined or self.dropped:
                    self._db.executemany(
                        "DELETE FROM quarantine WHERE node = ? AND epoch = ? AND seq = ?",
                        [(i.node, i.epoch, i.seq) for i in delivered],
                    )
                self._db.executemany(
                    """
                    INSERT INTO quarantine
                    (store_id, commit_no, node, epoch, seq, measured_at_s,
                     line, status, reason, refused_at_ms)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (node, epoch, seq) DO UPDATE SET store_id = excluded.store_id,
                    commit_no = excluded.commit_no, measured_at_s = excluded.measured_at_s,
                    line = excluded.line, status = excluded.status, reason = excluded.reason,
                    refused_at_ms = excluded.refused_at_ms, retry = 0
                    """,
                    [
                        (self.store_id, *_identity(r.item), r.item.line, r.status, r.reason, now_ms)
                        for r in refused
                    ],
                )
                if span is not None:
                    self.settled.add(*span)
                    for first, last in self.settled.take_changes().items():
                        if last is None:
                            self._db.execute("DELETE FROM settled WHERE first = ?", (first,))
                        else:
                            self._db.execute("INSERT OR REPLACE INTO settled VALUES (?, ?)", (first, last))
                if delivered:
                    self._set("synced", self.synced + len(delivered))
        except apsw.Error:
            self._read()
            raise
        self.synced += len(delivered)
        if refused or self.quarantined or self.dropped:
            self._count()

    def refused_between(self, from_s: int, to_s: int) -> dict[int, int]:
        """Return how many records of each node, measured in from_s <= t < to_s, the server refused."""
        return dict(
            self._db.execute(
                "SELECT node, count(*) FROM quarantine "
                "WHERE measured_at_s >= ? AND measured_at_s < ? GROUP BY node",
                (from_s, to_s),
            )
        )

    def quarantine(self, limit: int = 1000) -> list[Quarantined]:
        """Return the newest refused records that nobody gave up, newest first."""
        return self._quarantined("dropped_at_ms IS NULL ORDER BY id DESC LIMIT ?", limit)

    def refused_record(self, id: int) -> Quarantined | None:
        found = self._quarantined("dropped_at_ms IS NULL AND id = ?", id)
        return found[0] if found else None

    def wanted_again(self, limit: int) -> list[Quarantined]:
        """Return refused records that somebody asked to try once more."""
        return self._quarantined("retry AND dropped_at_ms IS NULL ORDER BY id LIMIT ?", limit)

    def ask_again(self, ids: Iterable[int] | None) -> int:
        """Mark refused records (None: all) to be tried once more; return how many."""
        return self._change("retry = 1", (), ids)

    def drop(self, ids: Iterable[int] | None, now_ms: int) -> int:
        """Give refused records (None: all) up; they stay counted. Return how many."""
        return self._change("retry = 0, dropped_at_ms = ?", (now_ms,), ids)

    def _change(self, assignment: str, values: tuple[int, ...], ids: Iterable[int] | None) -> int:
        sql = f"UPDATE quarantine SET {assignment} WHERE dropped_at_ms IS NULL"  # noqa: S608
        before = self._db.total_changes()
        with _transaction(self._db):
            if ids is None:
                self._db.execute(sql, values)
            else:
                self._db.executemany(f"{sql} AND id = ?", [(*values, number) for number in ids])
        self._count()
        return self._db.total_changes() - before

    def _quarantined(self, condition: str, value: int) -> list[Quarantined]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM quarantine WHERE {condition}", (value,))  # noqa: S608
        return [Quarantined(*row) for row in rows]

    def _set(self, key: str, value: int | bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _read(self) -> None:
        self.settled = SequenceSet(self._db.execute("SELECT first, last FROM settled ORDER BY first"))
        self.synced = self._db.execute("SELECT value FROM meta WHERE key = 'synced'").get or 0
        self._count()

    def _count(self) -> None:
        self.quarantined, self.dropped = self._db.execute(
            "SELECT count(*) FILTER (WHERE dropped_at_ms IS NULL), count(dropped_at_ms) FROM quarantine"
        ).get


@contextmanager
def _transaction(db: apsw.Connection) -> Iterator[None]:
    """As `with db`, but the error of a full disk, at which SQLite itself rolls back, stays what it is."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _identity(item: Item) -> tuple[int, int, int, int, int]:
    return item.commit, item.node, item.epoch, item.seq, item.measured_at_s


def _open(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(5000)
        db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        version = int(db.pragma("user_version"))
        if version and db.pragma("application_id") != _APPLICATION_ID:
            raise JournalError(f"{path} is not a sync journal: move it away and start again")
        if version > len(_STEPS):
            raise JournalError(f"{path} was written by a newer version of sync: upgrade, or move it away")
        for number, step in enumerate(_STEPS[version:], version + 1):
            with _transaction(db):
                db.execute(step)
                db.pragma("application_id", _APPLICATION_ID)
                db.pragma("user_version", number)
        if (finding := db.pragma("quick_check")) != "ok":
            raise apsw.CorruptError(str(finding))
    except BaseException:
        db.close()
        raise
    return db
