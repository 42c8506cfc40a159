"""The disk side of sync: what to send next, and what became of it. One thread at a time uses an Outbox."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from cloud_sync.journal import Item, Journal, Quarantined, Refusal
from cloud_sync.line_protocol import Unspeakable
from cloud_sync.pace import next_span
from gateway.model import Span, StoredRecord

log = structlog.get_logger()


class Source(Protocol):
    """The store, read only (see `gateway.store.Reader`)."""

    @property
    def store_id(self) -> bytes: ...

    def after(self, commit: int, limit: int) -> list[StoredRecord]: ...

    def last_commit(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Records claimed for one request. `span` None: they are from quarantine, to be tried once more.

    `refused` are those of which no line could be made.
    """

    store_id: bytes
    span: Span | None
    items: Sequence[Item]
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far sync is. Counts are of records; the oldest record not yet settled came in at that time."""

    store_id: bytes
    synced: int
    pending: int
    quarantined: int
    dropped: int
    oldest_received_at_ms: int | None


class Outbox:
    """`source` returns the store as it is now; `encode` makes a record's line or raises Unspeakable."""

    def __init__(
        self, source: Callable[[], Source], journal: Journal, encode: Callable[[StoredRecord], str]
    ) -> None:
        self._source = source
        self._journal = journal
        self._encode = encode

    def claim(self, limit: int, claimed: Collection[Span | None]) -> Batch | None:
        """Return at most `limit` records to send, newest first; None when there is nothing.

        `claimed` are the spans of the batches under way.
        """
        source = self._source()
        store_id = source.store_id
        if self._journal.bind(store_id):
            log.warning("store_changed", store_id=store_id.hex(), next="all its records are sent")
        spans = [span for span in claimed if span is not None]
        span = next_span(self._journal.settled, spans, source.last_commit(), limit)
        if span is None:
            if None in claimed or not self._journal.quarantined:
                return None
            return self._wanted_again(source, limit)
        first, last = span
        records = [record for record in source.after(first - 1, limit) if record.commit <= last]
        if not records:
            return Batch(store_id, self._hole(source, first, last), ())
        results = [self._item(record) for record in records]
        return Batch(store_id, span, *_sorted_out(results))

    def settle(
        self,
        batch: Batch,
        span: Span | None,
        delivered: Sequence[Item],
        refused: Sequence[Refusal],
        now_ms: int,
    ) -> None:
        """Record the fate of a part of `batch` durably. Refused records go to quarantine."""
        if batch.store_id == self._journal.store_id:
            self._journal.settle(span, delivered, refused, now_ms)
        # Else the store was replaced meanwhile: its numbers mean other records, which are sent anyhow.

    def standing(self) -> Standing:
        source = self._source()
        last = source.last_commit()
        same = source.store_id == self._journal.store_id
        gaps = self._journal.settled.gaps(1, last) if same else [(1, last)] if last else []
        oldest = source.after(gaps[0][0] - 1, 1) if gaps else []
        return Standing(
            store_id=source.store_id,
            synced=self._journal.synced if same else 0,
            pending=sum(high - low + 1 for low, high in gaps),
            quarantined=self._journal.quarantined,
            dropped=self._journal.dropped,
            oldest_received_at_ms=oldest[0].received_at_ms if oldest else None,
        )

    def _hole(self, source: Source, first: int, last: int) -> Span:
        """Record numbers without records (pruned, or never used): stretch the hole down, in growing steps."""
        gap_first = next(low for low, high in self._journal.settled.gaps(1, last) if high >= first)
        step = last - first + 1
        while first > gap_first:
            lower = max(gap_first, first - step)
            found = source.after(lower - 1, 1)
            if found and found[0].commit < first:
                break
            first, step = lower, step * 2
        return first, last

    def _wanted_again(self, source: Source, limit: int) -> Batch | None:
        rows = self._journal.wanted_again(limit)
        results = [self._again(source, row) for row in rows]
        return Batch(self._journal.store_id, None, *_sorted_out(results)) if rows else None

    def _again(self, source: Source, row: Quarantined) -> Item | Refusal:
        """Encode it anew where the store still has it: the configuration may be better now."""
        if row.store_id == self._journal.store_id:
            found = source.after(row.commit - 1, 1)
            if found and found[0].commit == row.commit:
                return self._item(found[0])
        item = Item(row.commit, row.node, row.epoch, row.seq, row.measured_at_s, row.line)
        return item if row.line else Refusal(item, 0, row.reason)

    def _item(self, record: StoredRecord) -> Item | Refusal:
        identity = record.commit, record.node, record.epoch, record.seq, record.measured_at_s
        try:
            return Item(*identity, self._encode(record))
        except Unspeakable as error:
            return Refusal(Item(*identity, ""), 0, str(error))


def _sorted_out(results: Sequence[Item | Refusal]) -> tuple[list[Item], list[Refusal]]:
    return [r for r in results if isinstance(r, Item)], [r for r in results if isinstance(r, Refusal)]
