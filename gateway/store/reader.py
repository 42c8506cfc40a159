"""Read-only access to a store: in the gateway's own process, or in another one beside it.

Hot and sealed records look the same here.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import apsw

from gateway.model import (
    Anchor,
    Epoch,
    LedgerLine,
    Loss,
    NodeState,
    Refusal,
    RegisterEvent,
    Span,
    StoredRecord,
    Uplink,
)
from gateway.store.change import StoreError
from gateway.store.rows import (
    EVENT_COLUMNS,
    NODE_COLUMNS,
    RECORD_COLUMNS,
    node_state,
    register_event,
    stored_record,
)
from gateway.store.sealed import Sealed
from gateway.store.stretch import Stretch, stretches_of

_RECORDS = f"SELECT commit_no, {RECORD_COLUMNS} FROM records"  # noqa: S608

_PAGE = 10_000  # records of a walk through all
Identity = tuple[int, int, int, tuple[int | None, ...]]


class Reader:
    """Each call sees one state of the store, the newest committed."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._sealed = Sealed(db)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the store at `path`. Raises StoreError where there is none that can be read."""
        try:
            db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            db.set_busy_timeout(5000)
            db.execute("SELECT 1 FROM meta").fetchall()
        except apsw.CantOpenError as error:
            raise StoreError(
                f"{path}: there is no store. Has the gateway been started with this state?"
            ) from error
        except apsw.Error as error:
            raise StoreError(f"{path}: this is not a store a gateway wrote: {error}") from error
        return cls(db, path)

    @property
    def connection(self) -> apsw.Connection:
        """The reading connection, for the other parts of the store."""
        return self._db

    @property
    def damaged_chunks(self) -> set[int]:
        """The sealed chunks this reader has met that cannot be read."""
        return self._sealed.damaged

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _state(self) -> Iterator[None]:
        """Let several statements see one state: records are hot before they are sealed, never both."""
        try:
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")
        except apsw.Error as error:
            raise StoreError(f"{self._path}: cannot be read: {error}") from error

    def _rows(self, sql: str, bindings: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return self._db.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise StoreError(f"{self._path}: cannot be read: {error}") from error

    @property
    def store_id(self) -> bytes:
        """The 8 random bytes that, with a commit number, make a cursor; read anew each time."""
        return bytes(self._rows("SELECT value FROM meta WHERE key = 'store_id'")[0][0])

    def last_commit(self) -> int:
        """The newest commit number that was ever given; 0 in an empty store."""
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'records'")
        return int(rows[0][0]) if rows else 0

    def oldest_commit(self) -> int:
        """The lowest commit number of a hot record; 0 where there is none."""
        return int(self._rows("SELECT coalesce(min(commit_no), 0) FROM records")[0][0])

    def after(self, commit: int, limit: int) -> list[StoredRecord]:
        """Return at most `limit` records committed after `commit`, in commit order."""
        with self._state():
            found = self._sealed.after(commit, limit)
            if len(found) < limit:
                rows = self._rows(
                    f"{_RECORDS} WHERE commit_no > ? ORDER BY commit_no LIMIT ?", (commit, limit - len(found))
                )
                found += map(stored_record, rows)
        return found

    def stretches(self, first: int, last: int) -> list[Stretch]:
        """Return the records with first <= commit <= last as columns, in no order."""
        with self._state():
            found = self._sealed.stretches(first, last)
            rows = self._rows(f"{_RECORDS} WHERE commit_no BETWEEN ? AND ? ORDER BY commit_no", (first, last))
        return found + stretches_of(map(stored_record, rows))

    def history(self, node: int, from_s: int, to_s: int) -> list[StoredRecord]:
        """Return the records of `node` measured in from_s <= t < to_s, in order of time."""
        with self._state():
            found = self._sealed.history(node, from_s, to_s)
            rows = self._rows(
                f"{_RECORDS} WHERE node = ? AND measured_at_s >= ? AND measured_at_s < ? "
                "ORDER BY measured_at_s",
                (node, from_s, to_s),
            )
            found += map(stored_record, rows)
        return sorted(found, key=lambda record: record.measured_at_s)

    def traces(self, node: int, from_s: int, to_s: int) -> list[tuple[int, int, int]]:
        """Return (epoch, sequence, measured_at_s) of the records of `node` measured in from_s <= t < to_s.

        In no order; much cheaper than `history`.
        """
        with self._state():
            found = self._sealed.traces(node, from_s, to_s)
            found += self._rows(
                "SELECT epoch, seq, measured_at_s FROM records "
                "WHERE node = ? AND measured_at_s >= ? AND measured_at_s < ?",
                (node, from_s, to_s),
            )
        return found

    def neighbours(
        self, node: int, epoch: int, seq: int, before_s: int
    ) -> tuple[StoredRecord | None, StoredRecord | None]:
        """Return the stored records next below and next above `seq` of those measured before `before_s`.

        Looks no further back than three years.
        """
        below, above = (-1, 0), (1 << 32, 0)
        to_s, days = before_s, 1
        while below[0] < 0 and days <= 1024:
            from_s = before_s - days * 86400
            for of_epoch, of_seq, at_s in self.traces(node, from_s, to_s):
                if of_epoch == epoch and of_seq < seq:
                    below = max(below, (of_seq, at_s))
                elif of_epoch == epoch and of_seq > seq:
                    above = min(above, (of_seq, at_s))
            to_s, days = from_s, days * 4
        found = [r for _, at_s in (below, above) for r in self.history(node, at_s, at_s + 1) if at_s]
        by_seq = {record.seq: record for record in found if record.epoch == epoch}
        return by_seq.get(below[0]), by_seq.get(above[0])

    def newest(self, node: int) -> StoredRecord | None:
        """Return the record of `node` with the latest time of measurement."""
        with self._state():
            rows = self._rows(f"{_RECORDS} WHERE node = ? ORDER BY measured_at_s DESC LIMIT 1", (node,))
            hot = stored_record(rows[0]) if rows else None
            if hot is None or self._sealed.holds_later(node, hot.measured_at_s):
                return self._sealed.newest(node)
            return hot

    def identities(self) -> Iterator[Identity]:
        """Yield (node, epoch, sequence, values) of every record, in commit order: what sets are made of."""
        commit, last = 0, self.last_commit()
        while commit < last and (page := self.after(commit, _PAGE)):
            for record in page:
                yield record.node, record.epoch, record.seq, record.values
            commit = page[-1].commit

    def counts(self) -> dict[int, int]:
        """Return how many records each node has in the store now. Reads an index from end to end."""
        return dict(
            self._rows(
                """
                SELECT node, sum(count) FROM (
                    SELECT node, count(*) AS count FROM records GROUP BY node
                    UNION ALL SELECT node, sum(count) FROM chunks GROUP BY node
                ) GROUP BY node
                """
            )
        )

    def counts_between(self, from_s: int, to_s: int) -> dict[int, int]:
        """Return how many records of each node were measured in from_s <= t < to_s."""
        with self._state():
            found = Counter(self._sealed.counts_between(from_s, to_s))
            rows = self._rows(
                "SELECT node, count(*) FROM records "
                "WHERE measured_at_s >= ? AND measured_at_s < ? GROUP BY node",
                (from_s, to_s),
            )
            found.update(dict(rows))
        return dict(found)

    def stored(self) -> dict[int, int]:
        """Return how many records of each node were ever stored, pruned ones included. Cheap."""
        return dict(self._rows("SELECT node, sum(last - first + 1) FROM heard GROUP BY node"))

    def heard(self, node: int, epoch: int) -> list[Span]:
        """Return the sequences of an epoch that were stored at some time, as inclusive intervals."""
        return self._rows(
            "SELECT first, last FROM heard WHERE node = ? AND epoch = ? ORDER BY first", (node, epoch)
        )

    def losses(self) -> list[Loss]:
        """Return what never came, and what was given up at the cap before sync had it."""
        rows = self._rows(
            """
            SELECT node, epoch, first, last, cause, noted_at_ms FROM losses
            UNION ALL SELECT * FROM pruned WHERE cause = 'cap'
            ORDER BY node, epoch, first
            """
        )
        return [Loss(*row) for row in rows]

    def register_events(self) -> list[RegisterEvent]:
        """Return what nodes said happened to their meters' registers, in order of time."""
        rows = self._rows(f"SELECT {EVENT_COLUMNS} FROM register_events ORDER BY at_s, node")  # noqa: S608
        return [register_event(row) for row in rows]

    def ledger(self) -> list[LedgerLine]:
        """Return what became of the records of each epoch of each node."""
        rows = self._rows(
            """
            SELECT node, epoch, max(next_seq, coalesce(h.upto, 0)), coalesce(h.count, 0),
                   coalesce(r.count, 0), coalesce(l.count, 0), coalesce(p.count, 0)
            FROM epochs
            LEFT JOIN (SELECT node, epoch, max(last) + 1 AS upto, sum(last - first + 1) AS count
                       FROM heard GROUP BY node, epoch) AS h USING (node, epoch)
            LEFT JOIN (SELECT node, epoch, sum(count) AS count FROM (
                           SELECT node, epoch, count(*) AS count FROM records GROUP BY node, epoch
                           UNION ALL SELECT node, epoch, count FROM chunks)
                       GROUP BY node, epoch) AS r USING (node, epoch)
            LEFT JOIN (SELECT node, epoch, sum(last - first + 1) AS count FROM (
                           SELECT node, epoch, first, last FROM losses
                           UNION ALL SELECT node, epoch, first, last FROM pruned WHERE cause = 'cap')
                       GROUP BY node, epoch) AS l USING (node, epoch)
            LEFT JOIN (SELECT node, epoch, sum(last - first + 1) AS count
                       FROM pruned GROUP BY node, epoch) AS p USING (node, epoch)
            ORDER BY id
            """
        )
        return [LedgerLine(*row) for row in rows]

    def refusals(self) -> dict[tuple[Refusal, int], int]:
        """Return how many frames were refused, by cause and node (NOBODY: no key here)."""
        return {
            (Refusal(c), n): count for c, n, count in self._rows("SELECT cause, node, count FROM refusals")
        }

    def unknown_frames(self) -> list[Uplink]:
        """Return the raw frames of unknown nodes that are kept, oldest first."""
        rows = self._rows(
            "SELECT frame, received_at_ms, carrier, rssi_dbm, snr_db FROM unknown_frames ORDER BY id"
        )
        return [Uplink(*row) for row in rows]

    def nodes(self) -> list[NodeState]:
        return [node_state(row) for row in self._rows(f"SELECT {NODE_COLUMNS} FROM nodes ORDER BY node")]  # noqa: S608

    def epochs(self) -> list[Epoch]:
        """Return every epoch that was ever introduced, in the order of the last time it was."""
        rows = self._rows("SELECT node, epoch, introduced_at_ms, next_seq, since FROM epochs ORDER BY id")
        return [Epoch(*row) for row in rows]

    def anchors(self) -> dict[tuple[int, int], list[Anchor]]:
        """Return the anchors of each (node, clock id), ascending."""
        found: dict[tuple[int, int], list[Anchor]] = {}
        for node, clock, *rest in self._rows(
            "SELECT node, clock, clock_ms, utc_ms, error_ms FROM anchors ORDER BY node, clock, clock_ms"
        ):
            found.setdefault((node, clock), []).append(Anchor(*rest))
        return found
