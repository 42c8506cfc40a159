"""Applies changes to the database: synchronous, one connection, one thread.

What of an epoch is *heard* (stored at some time, also if the row is sealed or pruned since) decides about
duplicates; *settled* is that and what is known to be lost, and is what a node is told.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby
from typing import Any, TypeVar

import apsw

from gateway.heard import SequenceSet
from gateway.model import Ack, Loss, Record, Uplink
from gateway.store.change import Change, NodeEpoch, Outcome
from gateway.store.rows import INSERT_EVENT, NODE_COLUMNS, RECORD_COLUMNS, event_row, node_row, record_row
from gateway.store.sealed import Sealed

T = TypeVar("T")

UNKNOWN_BYTES_MAX = 1_000_000  # of raw frames nobody has a key for; the oldest give way

# Rows of one statement. With each statement this thread gives the interpreter's lock away and has to wait
# until it gets it back; a statement for each row would spend more time on that than in the database.
ROWS_TOGETHER = (256, 32, 4, 1)

_INSERT_RECORDS = f"INSERT INTO records ({RECORD_COLUMNS})"
_INSERT_NODES = f"INSERT OR REPLACE INTO nodes ({NODE_COLUMNS})"
_INSERT_HEARD = "INSERT OR REPLACE INTO heard (node, epoch, first, last)"
_INSERT_LOSS = "INSERT INTO losses (node, epoch, first, last, cause, noted_at_ms) VALUES (?, ?, ?, ?, ?, ?)"

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class _Sets:
    heard: SequenceSet
    settled: SequenceSet


class Writer:
    """Owns the writing connection and mirrors the sets of the epochs it has met."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._cursor = db.cursor()
        self._sets: dict[NodeEpoch, _Sets] = {}
        self._dirty: set[NodeEpoch] = set()
        self._sealed = Sealed(db)
        self._unknown_bytes = self._sum_unknown_bytes()

    def _rows(self, sql: str, bindings: tuple[Any, ...] = ()) -> list[Any]:
        return self._db.execute(sql, bindings).fetchall()

    def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """Commit all of `changes` in one transaction, or none; what went wrong is raised."""
        with self._transaction():
            outcomes = [self._apply(change) for change in changes]
            self._write_heard()
        return outcomes

    def perform(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work`, which does not concern the sets of epochs, in one transaction."""
        with self._transaction():
            done = work(self._db)
        self._sealed.forget_ends()
        return done

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        """Undo the transaction, and what was mirrored of it."""
        self._sets.clear()
        self._dirty.clear()
        self._sealed.forget_ends()
        if self._db.in_transaction:
            self._cursor.execute("ROLLBACK")
        self._unknown_bytes = self._sum_unknown_bytes()

    def _sum_unknown_bytes(self) -> int:
        return int(self._rows("SELECT coalesce(sum(length(frame)), 0) FROM unknown_frames")[0][0])

    def _apply(self, change: Change) -> Outcome:
        stored = self._store(change.records)
        for loss in change.losses:
            self._note_loss(loss)
        for event in change.registers:
            self._cursor.execute(INSERT_EVENT, event_row(event))
        if change.nodes:
            for states in _grouped(change.nodes):
                self._insert(_INSERT_NODES, [node_row(state) for state in states])
        for epoch in change.epochs:
            self._cursor.execute(
                "INSERT OR REPLACE INTO epochs (node, epoch, introduced_at_ms, next_seq, since) "
                "VALUES (?, ?, ?, ?, ?)",
                (epoch.node, epoch.epoch, epoch.introduced_at_ms, epoch.next_seq, epoch.since),
            )
        for (node, clock), anchors in change.anchors.items():
            self._cursor.execute("DELETE FROM anchors WHERE node = ? AND clock = ?", (node, clock))
            self._cursor.executemany(
                "INSERT INTO anchors (node, clock, clock_ms, utc_ms, error_ms) VALUES (?, ?, ?, ?, ?)",
                [(node, clock, a.clock_ms, a.utc_ms, a.error_ms) for a in anchors],
            )
        for (cause, node), count in change.refusals.items():
            self._cursor.execute(
                "INSERT INTO refusals (cause, node, count, last_at_ms) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET count = count + excluded.count, last_at_ms = excluded.last_at_ms",
                (str(cause), node, count, change.at_ms),
            )
        for uplink in change.unknown:
            self._keep_unknown(uplink)
        acks = {}
        for key, touched in change.acks.items():
            settled = self._sets_of(key).settled
            gaps = tuple(settled.missing())
            acks[key] = Ack(settled.upto, settled.recent(touched), gaps, settled.highest if gaps else -1)
        return Outcome(stored, len(change.records) - stored, acks)

    def _insert(self, insert: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert `rows` with one statement: all of them, or none."""
        self._cursor.execute(_with_places(insert, len(rows), len(rows[0])), tuple(chain.from_iterable(rows)))

    def _store(self, records: Sequence[Record]) -> int:
        """Insert those of `records` that were not heard before; return how many these are."""
        fresh: list[Record] = []
        for record in records:
            key = (record.node, record.epoch)
            sets = self._sets_of(key)
            seq = record.seq
            if seq in sets.heard:
                continue
            fresh.append(record)
            sets.heard.add(seq, seq)
            if seq in sets.settled:
                self._take_back_loss(key, seq)
            else:
                sets.settled.add(seq, seq)
            self._dirty.add(key)
        for late, run in groupby(fresh, lambda r: self._sealed.holds(r.node, r.measured_at_s)):
            if late:
                for record in run:
                    self._insert_moved(record)
            else:
                for group in _grouped(list(run)):
                    self._insert_records(group)
        return len(fresh)

    def _insert_records(self, records: Sequence[Record]) -> None:
        try:
            self._insert(_INSERT_RECORDS, [record_row(r, r.measured_at_s, r.moved) for r in records])
        except apsw.ConstraintError:  # a node has a record in the same second already
            if len(records) > 1:
                for record in records:
                    self._insert_records([record])
                return
            self._insert_moved(records[0])

    def _insert_moved(self, record: Record) -> None:
        """Insert a record whose node has another one in its second: it gives way to the next free one."""
        second = self._free_second(record.node, record.measured_at_s)
        self._insert(_INSERT_RECORDS, [record_row(record, second, True)])

    def _free_second(self, node: int, second: int) -> int:
        """Return the first second from `second` on in which `node` has no record, hot or sealed."""
        hot = "SELECT EXISTS (SELECT 1 FROM records WHERE node = ? AND measured_at_s = ?)"
        while self._sealed.holds(node, second) or self._db.execute(hot, (node, second)).get:
            second += 1
        return second

    def _sets_of(self, key: NodeEpoch) -> _Sets:
        sets = self._sets.get(key)
        if sets is None:
            heard = self._rows("SELECT first, last FROM heard WHERE node = ? AND epoch = ?", key)
            lost = self._rows("SELECT first, last FROM losses WHERE node = ? AND epoch = ?", key)
            sets = self._sets[key] = _Sets(SequenceSet(heard), SequenceSet(heard + lost))
        return sets

    def _write_heard(self) -> None:
        rows = []
        for node, epoch in self._dirty:
            for first, last in self._sets[node, epoch].heard.take_changes().items():
                if last is None:
                    self._cursor.execute(
                        "DELETE FROM heard WHERE node = ? AND epoch = ? AND first = ?", (node, epoch, first)
                    )
                else:
                    rows.append((node, epoch, first, last))
        for group in _grouped(rows):
            self._insert(_INSERT_HEARD, group)
        self._dirty.clear()

    def _note_loss(self, loss: Loss) -> None:
        """Enter what of `loss` is neither heard nor known to be lost."""
        settled = self._sets_of((loss.node, loss.epoch)).settled
        for first, last in settled.gaps(loss.first, loss.last):
            self._cursor.execute(
                _INSERT_LOSS, (loss.node, loss.epoch, first, last, loss.cause, loss.noted_at_ms)
            )
            settled.add(first, last)

    def _take_back_loss(self, key: NodeEpoch, seq: int) -> None:
        """A record given up for lost has come after all."""
        first, last, cause, noted_at_ms = self._rows(
            "SELECT first, last, cause, noted_at_ms FROM losses "
            "WHERE node = ? AND epoch = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (*key, seq),
        )[0]
        self._cursor.execute("DELETE FROM losses WHERE node = ? AND epoch = ? AND first = ?", (*key, first))
        for piece in ((first, seq - 1), (seq + 1, last)):
            if piece[0] <= piece[1]:
                self._cursor.execute(_INSERT_LOSS, (*key, *piece, cause, noted_at_ms))

    def _keep_unknown(self, uplink: Uplink) -> None:
        self._cursor.execute(
            "INSERT INTO unknown_frames (frame, received_at_ms, carrier, rssi_dbm, snr_db) "
            "VALUES (?, ?, ?, ?, ?)",
            (uplink.frame, uplink.received_at_ms, uplink.carrier, uplink.rssi_dbm, uplink.snr_db),
        )
        self._unknown_bytes += len(uplink.frame)
        while self._unknown_bytes > UNKNOWN_BYTES_MAX:
            self._unknown_bytes -= self._db.execute(
                "DELETE FROM unknown_frames WHERE id = (SELECT min(id) FROM unknown_frames) "
                "RETURNING length(frame)"
            ).get


@cache
def _with_places(insert: str, rows: int, columns: int) -> str:
    """Return the statement that inserts `rows` rows, each a row of question marks."""
    return f"{insert} VALUES " + ", ".join([f"({', '.join('?' * columns)})"] * rows)


def _grouped(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """Yield `rows` in groups for one statement each; of few sizes, so that the statements stay prepared."""
    at = 0
    for size in ROWS_TOGETHER:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size
