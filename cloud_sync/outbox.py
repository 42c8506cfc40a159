"""The disk side of sync: what to send next, and what became of it. One thread at a time uses an Outbox."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from cloud_sync.journal import Item, Journal, Refusal
from cloud_sync.line_protocol import Unspeakable
from cloud_sync.lines import Block, Lines
from cloud_sync.pace import next_span
from cloud_sync.rewrites import Rewrite
from gateway.model import Span, StoredRecord
from gateway.store import Stretch, stretches_of

log = structlog.get_logger()

_WINDOW_S = 21_600  # of a node's history read at once


class Source(Protocol):
    """The store, read only (see `gateway.store.Reader`)."""

    @property
    def store_id(self) -> bytes: ...

    def after(self, commit: int, limit: int) -> list[StoredRecord]: ...

    def stretches(self, first: int, last: int) -> list[Stretch]: ...

    def last_commit(self) -> int: ...

    def history(self, node: int, from_s: int, to_s: int) -> list[StoredRecord]: ...

    def newest(self, node: int) -> StoredRecord | None: ...

    def counts_between(self, from_s: int, to_s: int) -> dict[int, int]: ...


Claim = Span | Literal["again", "rewrite"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Records claimed for one request. `span` None: they are from quarantine, to be tried once more, or
    with `rewrite` points to be written once more, which are then done up to `upto_s`.

    `refused` are those of which no line could be made.
    """

    store_id: bytes
    span: Span | None
    items: Lines
    refused: Sequence[Refusal] = ()
    rewrite: Rewrite | None = None
    upto_s: int = 0

    @property
    def claim(self) -> Claim:
        """What other requests must leave alone while this one is under way."""
        return self.span or ("again" if self.rewrite is None else "rewrite")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far sync is. Counts are of records; the oldest record not yet settled came in at that time."""

    store_id: bytes
    synced: int
    pending: int
    quarantined: int
    dropped: int
    oldest_received_at_ms: int | None
    rewrites: int = 0


class Outbox:
    """`source` returns the store as it is now; `encode`: see `line_protocol.encoder`."""

    def __init__(
        self, source: Callable[[], Source], journal: Journal, encode: Callable[[Stretch], list[str]]
    ) -> None:
        self._source = source
        self._journal = journal
        self._encode = encode
        self._newest = -1  # number up to which records have been claimed, or were there at the start

    def claim(self, limit: int, claimed: Collection[Claim], *, live: bool = False) -> Batch | None:
        """Return at most `limit` records to send, newest first; None when there is nothing.

        Quarantine and points to be written once more come after everything else. `claimed` is what the
        batches under way have claimed. `live`: only records that came in since the last claim, or the start.
        """
        source = self._source()
        store_id = source.store_id
        if self._journal.bind(store_id):
            log.warning("store_changed", store_id=store_id.hex(), next="all its records are sent")
        spans = [span for span in claimed if not isinstance(span, str)]
        last = source.last_commit()
        if self._newest < 0 or self._newest > last:
            self._newest = last
        span = next_span(self._journal.settled, spans, last, limit)
        if live:
            if span is None or span[1] <= self._newest:
                return None
            span = max(span[0], self._newest + 1), span[1]
        if span is None:
            again = None
            if "again" not in claimed and self._journal.quarantined:
                again = self._wanted_again(source, limit)
            if again is None and "rewrite" not in claimed and not spans:
                return self._to_rewrite(source, limit)
            return again
        first, last = span
        self._newest = max(self._newest, last)
        stretches = source.stretches(first, last)
        if not stretches:
            return Batch(store_id, self._hole(source, first, last), Lines())
        return Batch(store_id, span, *self._encoded(stretches))

    def settle(
        self,
        batch: Batch,
        span: Span | None,
        delivered: Sequence[Item],
        refused: Sequence[Refusal],
        now_ms: int,
    ) -> None:
        """Record the fate of a part of `batch` durably. Refused records go to quarantine."""
        if batch.rewrite is not None:  # they were written before, or refused before: nothing is new
            if refused:
                log.warning("points_not_rewritten", node=batch.rewrite.node, points=len(refused))
            return
        if batch.store_id == self._journal.store_id:
            self._journal.settle(span, delivered, refused, now_ms)
        # Else the store was replaced meanwhile: its numbers mean other records, which are sent anyhow.

    def rewritten(self, batch: Batch) -> None:
        """All of a batch of points to be written once more is written, as far as the server takes them."""
        if batch.rewrite is not None and batch.store_id == self._journal.store_id:
            self._journal.rewrites.done(batch.rewrite, batch.upto_s)

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
            rewrites=self._journal.rewrites.waiting(),
        )

    def expected_between(self, from_s: int, to_s: int) -> dict[int, int]:
        """Return how many points of each node the server is to have of from_s <= t < to_s.

        Nothing while records wait to be sent, or points to be written once more: what comes short then is
        no surprise.
        """
        source = self._source()
        busy = self._journal.rewrites.waiting() or self._journal.settled.gaps(1, source.last_commit())
        if busy or source.store_id != self._journal.store_id:
            return {}
        refused = self._journal.refused_between(from_s, to_s)
        stored = source.counts_between(from_s, to_s)
        return {node: count - refused.get(node, 0) for node, count in stored.items()}

    def compared(
        self, expected: Mapping[int, int], there: Mapping[int, int], from_s: int, to_s: int, now_ms: int
    ) -> int:
        """Ask for the windows again in which the server has too few; return how many points it lacks."""
        missing = 0
        for node, count in expected.items():
            short = count - there.get(node, 0)
            if short > 0:
                missing += short
                self._journal.rewrites.came_short(node, from_s, to_s, short, now_ms)
            else:
                self._journal.rewrites.is_whole(node, from_s)
        return missing

    def again(self, from_s: int, to_s: int, now_ms: int) -> int:
        """Ask for the points of from_s <= t < to_s once more; return of how many records these are."""
        stored = self._source().counts_between(from_s, to_s)
        self._journal.rewrites.again(stored, from_s, to_s, now_ms)
        return sum(stored.values())

    def recalibrated(self, timelines: Mapping[int, str], now_ms: int) -> None:
        """Ask for the points again whose calibration has changed since they were written."""
        for node, since_s in self._journal.rewrites.recalibrated(timelines, now_ms).items():
            log.info(
                "calibration_changed", node=node, since_s=since_s, next="its points are written once more"
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

    def _to_rewrite(self, source: Source, limit: int) -> Batch | None:
        """Return the next points to be written once more, the oldest first."""
        rewrite = self._journal.rewrites.next()
        if rewrite is None:
            return None
        newest = source.newest(rewrite.node)
        end = min(rewrite.to_s, newest.measured_at_s + 1) if newest else rewrite.at_s
        from_s, window_s = rewrite.at_s, _WINDOW_S
        while from_s < end:
            to_s = min(end, from_s + window_s)
            found = source.history(rewrite.node, from_s, to_s)
            if found:
                upto_s = to_s if len(found) <= limit else found[limit].measured_at_s
                made = self._encoded(
                    stretches_of(record for record in found if record.measured_at_s < upto_s)
                )
                upto_s = rewrite.to_s if upto_s >= end else upto_s
                return Batch(self._journal.store_id, None, *made, rewrite, upto_s)
            from_s, window_s = to_s, window_s * 2
        return Batch(self._journal.store_id, None, Lines(), (), rewrite, rewrite.to_s)

    def _wanted_again(self, source: Source, limit: int) -> Batch | None:
        """Encode anew what the store still has: the configuration may be better now."""
        items: list[Item] = []
        blocks: list[Block] = []
        refused: list[Refusal] = []
        rows = self._journal.wanted_again(limit)
        for row in rows:
            there = row.store_id == self._journal.store_id and source.stretches(row.commit, row.commit)
            item = Item(row.commit, row.node, row.epoch, row.seq, row.measured_at_s, row.line)
            if there:
                self._encode_all(there, blocks, refused)
            elif row.line:
                items.append(item)
            else:
                refused.append(Refusal(item, 0, row.reason))
        return Batch(self._journal.store_id, None, Lines(items, blocks), refused) if rows else None

    def _encoded(self, stretches: Iterable[Stretch]) -> tuple[Lines, list[Refusal]]:
        """Return the records with their lines, and those of which none can be made."""
        blocks: list[Block] = []
        refused: list[Refusal] = []
        self._encode_all(stretches, blocks, refused)
        return Lines(blocks=blocks), refused

    def _encode_all(self, stretches: Iterable[Stretch], blocks: list[Block], refused: list[Refusal]) -> None:
        for stretch in stretches:
            try:
                blocks.append((stretch, self._encode(stretch)))
            except Unspeakable as error:
                if len(stretch) > 1:
                    self._encode_all(map(stretch.at, range(len(stretch))), blocks, refused)
                else:
                    refused.append(Refusal(Lines(blocks=[(stretch, [""])])[0], 0, str(error)))
