"""Applies changes to the database: synchronous, one connection, one thread.

What of an epoch is *heard* (stored at some time, also if the row is sealed or pruned since) decides about
duplicates; *settled* is that and what is known to be lost, and is what a node is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from gateway.heard import SequenceSet
from gateway.model import Ack, Loss, Record, Uplink
from gateway.store.change import Change, NodeEpoch, Outcome
from gateway.store.rows import NODE_COLUMNS, RECORD_COLUMNS, node_row, record_row

UNKNOWN_BYTES_MAX = 1_000_000  # of raw frames nobody has a key for; the oldest give way

_PLACES = ", ".join("?" * 13)
_INSERT_RECORD = f"INSERT INTO records ({RECORD_COLUMNS}) VALUES ({_PLACES})"  # noqa: S608
_INSERT_NODE = f"INSERT OR REPLACE INTO nodes ({NODE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_INSERT_LOSS = "INSERT INTO losses (node, epoch, first, last, cause, noted_at_ms) VALUES (?, ?, ?, ?, ?, ?)"


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
        self._unknown_bytes = self._sum_unknown_bytes()

    def _rows(self, sql: str, bindings: tuple[Any, ...] = ()) -> list[Any]:
        return self._db.execute(sql, bindings).fetchall()

    def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """Commit all of `changes` in one transaction, or none; what went wrong is raised."""
        self._cursor.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._apply(change) for change in changes]
            self._write_heard()
            self._cursor.execute("COMMIT")
        except BaseException:
            self._forget()
            raise
        return outcomes

    def _forget(self) -> None:
        """Undo the transaction, and what was mirrored of it."""
        self._sets.clear()
        self._dirty.clear()
        if self._db.in_transaction:
            self._cursor.execute("ROLLBACK")
        self._unknown_bytes = self._sum_unknown_bytes()

    def _sum_unknown_bytes(self) -> int:
        return int(self._rows("SELECT coalesce(sum(length(frame)), 0) FROM unknown_frames")[0][0])

    def _apply(self, change: Change) -> Outcome:
        stored = sum(map(self._store, change.records))
        for loss in change.losses:
            self._note_loss(loss)
        if change.nodes:
            self._cursor.executemany(_INSERT_NODE, map(node_row, change.nodes))
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
            acks[key] = Ack(settled.upto, settled.recent(touched))
        return Outcome(stored, len(change.records) - stored, acks)

    def _store(self, record: Record) -> bool:
        """Insert `record`; False where it was heard before."""
        key = (record.node, record.epoch)
        sets = self._sets_of(key)
        seq = record.seq
        if seq in sets.heard:
            return False
        try:
            self._cursor.execute(_INSERT_RECORD, record_row(record, record.measured_at_s, record.moved))
        except apsw.ConstraintError:  # the node has a record in this second already
            second = self._free_second(record.node, record.measured_at_s)
            self._cursor.execute(_INSERT_RECORD, record_row(record, second, True))
        sets.heard.add(seq, seq)
        if seq in sets.settled:
            self._take_back_loss(key, seq)
        else:
            sets.settled.add(seq, seq)
        self._dirty.add(key)
        return True

    def _free_second(self, node: int, second: int) -> int:
        """Return the first second from `second` on in which `node` has no record."""
        taken = self._db.execute(
            "SELECT measured_at_s FROM records WHERE node = ? AND measured_at_s >= ? ORDER BY measured_at_s",
            (node, second),
        )
        for (used,) in taken:
            if used != second:
                break
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
        for node, epoch in self._dirty:
            for first, last in self._sets[node, epoch].heard.take_changes().items():
                if last is None:
                    self._cursor.execute(
                        "DELETE FROM heard WHERE node = ? AND epoch = ? AND first = ?", (node, epoch, first)
                    )
                else:
                    self._cursor.execute(
                        "INSERT OR REPLACE INTO heard (node, epoch, first, last) VALUES (?, ?, ?, ?)",
                        (node, epoch, first, last),
                    )
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
