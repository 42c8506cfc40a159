"""Reading what is sealed: records in the order of their commits, or of one node by time."""

from array import array
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import Any

import apsw
import structlog

from gateway.model import StoredRecord
from gateway.store.chunk import Chunk, Columns, seconds_of
from gateway.store.columns import Malformed
from gateway.store.stretch import Stretch

log = structlog.get_logger()

CHUNK_COLUMNS = "id, node, epoch, schema_id, count, first_s, last_s, body"
_SEGMENTS_OPEN = 2  # a batch may span two ...
_RECORDS_OPEN = 32_768  # ... and more of small ones
_SECONDS_KEPT = 64  # chunks
_POSITION_BITS = 20


class _OpenSegment:
    """Once somebody asks for records in order: _commits ascend, and the record of _commits[i] is at
    _places[i], chunk and position in one number.
    """

    def __init__(self, chunks: list[Columns]) -> None:
        self._chunks = chunks
        self._commits = self._places = array("q")
        self.count = sum(len(columns.commits) for columns in chunks)

    def records(self, commit: int, limit: int) -> list[StoredRecord]:
        if len(self._commits) < self.count:
            self._put_in_order()
        start = bisect_right(self._commits, commit)
        mask = (1 << _POSITION_BITS) - 1
        places = self._places[start : start + limit]
        return [self._chunks[place >> _POSITION_BITS].record(place & mask) for place in places]

    def stretches(self, first: int, last: int) -> list[Stretch]:
        found = (columns.stretch().between(first, last) for columns in self._chunks)
        return [stretch for stretch in found if stretch is not None]

    def _put_in_order(self) -> None:
        pairs = sorted(
            (commit, number << _POSITION_BITS | i)
            for number, columns in enumerate(self._chunks)
            for i, commit in enumerate(columns.commits)
        )
        self._commits = array("q", [commit for commit, _ in pairs])
        self._places = array("q", [place for _, place in pairs])


class Sealed:
    """The sealed part of the store behind one connection. A chunk that is damaged is logged and left out.

    Chunk numbers are never used again, so what is cached of one stays true.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._open: OrderedDict[int, _OpenSegment] = OrderedDict()
        self._seconds: OrderedDict[int, frozenset[int]] = OrderedDict()
        self._ends: dict[int, int] = {}
        self.damaged: set[int] = set()  # chunks met so far

    def after(self, commit: int, limit: int) -> list[StoredRecord]:
        """Return at most `limit` sealed records committed after `commit`, in commit order."""
        found: list[StoredRecord] = []
        for id_, first, last in self._db.execute(
            "SELECT id, first_chunk, last_chunk FROM segments WHERE last_commit > ? ORDER BY last_commit",
            (commit,),
        ):
            found += self._segment(id_, first, last).records(commit, limit - len(found))
            if len(found) >= limit:
                break
        return found

    def stretches(self, first: int, last: int) -> list[Stretch]:
        """Return the sealed records with first <= commit <= last as columns, in no order."""
        segments: list[Any] = self._db.execute(
            "SELECT id, first_chunk, last_chunk FROM segments WHERE last_commit >= ? AND first_commit <= ?",
            (first, last),
        ).fetchall()
        return [found for segment in segments for found in self._segment(*segment).stretches(first, last)]

    def history(self, node: int, from_s: int, to_s: int) -> list[StoredRecord]:
        """Return the sealed records of `node` measured in from_s <= t < to_s, in no order."""
        found = []
        for chunk in self._chunks("node = ? AND last_s >= ? AND first_s < ?", node, from_s, to_s):
            columns = self._columns(*chunk)
            if columns is not None:
                found += [columns.record(i) for i, at in enumerate(columns.seconds) if from_s <= at < to_s]
        return found

    def traces(self, node: int, from_s: int, to_s: int) -> list[tuple[int, int, int]]:
        """Return (epoch, sequence, measured_at_s) of those records of `node`, in no order."""
        found: list[tuple[int, int, int]] = []
        for id_, chunk in self._chunks("node = ? AND last_s >= ? AND first_s < ?", node, from_s, to_s):
            columns = self._columns(id_, chunk)
            if columns is not None:
                pairs = zip(columns.seqs, columns.seconds, strict=True)
                found += [(chunk.epoch, seq, at) for seq, at in pairs if from_s <= at < to_s]
        return found

    def counts_between(self, from_s: int, to_s: int) -> dict[int, int]:
        """Return how many sealed records of each node were measured in from_s <= t < to_s."""
        whole = "SELECT node, sum(count) FROM chunks WHERE first_s >= ? AND last_s < ? GROUP BY node"
        found = Counter[int](dict(self._db.execute(whole, (from_s, to_s))))
        partly = "last_s >= ? AND first_s < ? AND NOT (first_s >= ? AND last_s < ?)"
        for id_, chunk in self._chunks(partly, from_s, to_s, from_s, to_s):
            columns = self._columns(id_, chunk)
            if columns is not None:
                found[chunk.node] += sum(from_s <= second < to_s for second in columns.seconds)
        return dict(found)

    def newest(self, node: int) -> StoredRecord | None:
        """Return the sealed record of `node` with the latest time of measurement."""
        for chunk in self._chunks("node = ? ORDER BY last_s DESC", node):
            columns = self._columns(*chunk)
            if columns is not None:
                return columns.record(max(range(len(columns.seconds)), key=columns.seconds.__getitem__))
        return None

    def holds(self, node: int, second: int) -> bool:
        """Whether a sealed record of `node` was measured in that second."""
        end = self._ends.get(node)
        if end is None:
            end = self._ends[node] = self._end(node)
        if second > end:  # nearly always
            return False
        near = self._chunks("node = ? AND last_s >= ? AND first_s <= ?", node, second, second)
        return any(second in self._seconds_of(*chunk) for chunk in near)

    def holds_later(self, node: int, second: int) -> bool:
        """Whether a sealed record of `node` was measured after that second. Asks the database."""
        return self._end(node) > second

    def _end(self, node: int) -> int:
        ((end,),) = self._db.execute("SELECT max(last_s) FROM chunks WHERE node = ?", (node,))
        return -(1 << 63) if end is None else int(end)

    def forget_ends(self) -> None:
        """Chunks were added, or an addition was undone."""
        self._ends.clear()

    def _chunks(self, condition: str, *bindings: int) -> Iterator[tuple[int, Chunk]]:
        sql = f"SELECT {CHUNK_COLUMNS} FROM chunks WHERE {condition}"  # noqa: S608
        for id_, *rest in self._db.execute(sql, bindings):
            yield id_, Chunk(*rest)

    def _segment(self, id_: int, first: int, last: int) -> _OpenSegment:
        if id_ not in self._open:
            opened = [self._columns(*chunk) for chunk in self._chunks("id BETWEEN ? AND ?", first, last)]
            self._open[id_] = _OpenSegment([columns for columns in opened if columns is not None])
            while len(self._open) > _SEGMENTS_OPEN and self._opened_records() > _RECORDS_OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(id_)
        return self._open[id_]

    def _opened_records(self) -> int:
        return sum(segment.count for segment in self._open.values())

    def _seconds_of(self, id_: int, chunk: Chunk) -> frozenset[int]:
        if id_ not in self._seconds:
            try:
                self._seconds[id_] = frozenset(seconds_of(chunk))
            except Malformed as error:
                self._damaged(id_, error)
                self._seconds[id_] = frozenset()
            while len(self._seconds) > _SECONDS_KEPT:
                self._seconds.popitem(last=False)
        return self._seconds[id_]

    def _columns(self, id_: int, chunk: Chunk) -> Columns | None:
        try:
            return Columns(chunk)
        except Malformed as error:
            self._damaged(id_, error)
            return None

    def _damaged(self, id_: int, error: Malformed) -> None:
        if id_ not in self.damaged:
            self.damaged.add(id_)
            log.error("sealed_chunk_damaged", chunk=id_, reason=str(error))


def chunk_rows(db: apsw.Connection, first: int, last: int) -> list[tuple[int, Any]]:
    """Return (number, Chunk) of the chunks first..last, bodies included."""
    sql = f"SELECT {CHUNK_COLUMNS} FROM chunks WHERE id BETWEEN ? AND ?"  # noqa: S608
    return [(id_, Chunk(*rest)) for id_, *rest in db.execute(sql, (first, last))]
