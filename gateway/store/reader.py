"""Read-only access to a store: in the gateway's own process, or in another one beside it."""

from collections.abc import Iterator
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
    Span,
    StoredRecord,
    Uplink,
)
from gateway.store.change import StoreError
from gateway.store.rows import NODE_COLUMNS, RECORD_COLUMNS, node_state, stored_record

_RECORDS = f"SELECT commit_no, {RECORD_COLUMNS} FROM records"  # noqa: S608

Identity = tuple[int, int, int, tuple[int | None, ...]]


class Reader:
    """Each call sees one state of the store, the newest committed."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self._path = path

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

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        """The newest commit number; 0 in an empty store."""
        return int(self._rows("SELECT coalesce(max(commit_no), 0) FROM records")[0][0])

    def after(self, commit: int, limit: int) -> list[StoredRecord]:
        """Return at most `limit` records committed after `commit`, in commit order."""
        rows = self._rows(f"{_RECORDS} WHERE commit_no > ? ORDER BY commit_no LIMIT ?", (commit, limit))
        return [stored_record(row) for row in rows]

    def history(self, node: int, from_s: int, to_s: int) -> list[StoredRecord]:
        """Return the records of `node` measured in from_s <= t < to_s, in order of time."""
        rows = self._rows(
            f"{_RECORDS} WHERE node = ? AND measured_at_s >= ? AND measured_at_s < ? ORDER BY measured_at_s",
            (node, from_s, to_s),
        )
        return [stored_record(row) for row in rows]

    def newest(self, node: int) -> StoredRecord | None:
        """Return the record of `node` with the latest time of measurement."""
        rows = self._rows(f"{_RECORDS} WHERE node = ? ORDER BY measured_at_s DESC LIMIT 1", (node,))
        return stored_record(rows[0]) if rows else None

    def identities(self) -> Iterator[Identity]:
        """Yield (node, epoch, sequence, values) of every record, in commit order: what sets are made of."""
        for row in self._db.execute(f"{_RECORDS} ORDER BY commit_no"):
            record = stored_record(row)
            yield record.node, record.epoch, record.seq, record.values

    def counts(self) -> dict[int, int]:
        """Return how many records each node has in the store now. Reads an index from end to end."""
        return dict(self._rows("SELECT node, count(*) FROM records GROUP BY node"))

    def stored(self) -> dict[int, int]:
        """Return how many records of each node were ever stored, pruned ones included. Cheap."""
        return dict(self._rows("SELECT node, sum(last - first + 1) FROM heard GROUP BY node"))

    def heard(self, node: int, epoch: int) -> list[Span]:
        """Return the sequences of an epoch that were stored at some time, as inclusive intervals."""
        return self._rows(
            "SELECT first, last FROM heard WHERE node = ? AND epoch = ? ORDER BY first", (node, epoch)
        )

    def losses(self) -> list[Loss]:
        return [
            Loss(*row)
            for row in self._rows(
                "SELECT node, epoch, first, last, cause, noted_at_ms FROM losses ORDER BY node, epoch, first"
            )
        ]

    def ledger(self) -> list[LedgerLine]:
        """Return what became of the records of each epoch of each node."""
        rows = self._rows(
            """
            SELECT node, epoch, max(next_seq, coalesce(h.upto, 0)), coalesce(h.count, 0),
                   coalesce(r.count, 0), coalesce(l.count, 0)
            FROM epochs
            LEFT JOIN (SELECT node, epoch, max(last) + 1 AS upto, sum(last - first + 1) AS count
                       FROM heard GROUP BY node, epoch) AS h USING (node, epoch)
            LEFT JOIN (SELECT node, epoch, count(*) AS count
                       FROM records GROUP BY node, epoch) AS r USING (node, epoch)
            LEFT JOIN (SELECT node, epoch, sum(last - first + 1) AS count
                       FROM losses GROUP BY node, epoch) AS l USING (node, epoch)
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
