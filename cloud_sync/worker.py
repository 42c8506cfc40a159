"""Brings records from the store to the server: claims, sends, and settles on proof only.

Laws:
1. A record is settled when the server answered 204 to a request that held it, or when it is in quarantine.
2. Everything else is sent again; points are idempotent, so that is harmless.
3. One bad point does not hold up the others: a refused batch is bisected down to it.
4. Nothing is in memory only: after a crash at any moment the journal says what to send.
"""

import asyncio
import gzip
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TypeVar

import apsw
import structlog

from cloud_sync.influx import Writer
from cloud_sync.journal import Item, Journal, Quarantined, Refusal
from cloud_sync.lines import Lines
from cloud_sync.outbox import Batch, Claim, Outbox, Source
from cloud_sync.pace import BatchSize, Pace
from cloud_sync.verdict import Hold, Later, Ok, Refused, TooLarge, Verdict
from gateway.model import Span
from gateway.store import StoreError, Stretch
from gateway.store.damage import DAMAGE

log = structlog.get_logger()

BATCH = 5000  # lines: what InfluxDB is quickest with
_PROBE = 100  # lines in a request while the server is in trouble
_SLOW_LEAST = 500  # lines: slow answers do not shrink requests below this,
_TIMED_OUT_LEAST = 250  # nor time-outs below this
# When a server refuses this many single points and takes none between them, it more likely refuses us:
# pause, instead of moving the whole store into quarantine at full speed.
_REFUSED_IN_A_ROW = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Status:
    """Counts are of records. `state`: ok, hold (refused altogether: a human must look) or retrying.

    `rewrites` are stretches of a node's history to be written once more, as after a new calibration.
    """

    state: str
    synced: int
    pending: int
    quarantined: int
    dropped: int
    oldest_unsynced_age_s: float | None
    last_error: str | None
    last_error_at_ms: int | None
    last_ok_at_ms: int | None
    next_try_s: float | None
    store_id: str
    rewrites: int

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class Worker:
    """Runs until cancelled. `encode`: see `line_protocol.encoder`; `clock` is unix time in s.

    `lanes` requests are under way at once, so that one is prepared while another is answered. The first lane
    of several is for what comes in meanwhile, so that no backlog makes it wait.
    """

    def __init__(
        self,
        source: Callable[[], Source],
        journal: Journal,
        writer: Writer,
        encode: Callable[[Stretch], list[str]],
        *,
        pace: Pace = Pace(),  # noqa: B008
        batch: int = BATCH,
        lanes: int = 3,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = Outbox(source, journal, encode)
        self._journal = journal
        self._writer = writer
        self._pace = pace
        self._size = BatchSize(batch)
        self._lanes = lanes
        self._clock = clock
        self._jitter = jitter
        # One thread for everything that touches the disk: no two ever use a database at the same time.
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sync-disk")
        self._claimed: set[Claim] = set()
        self._claiming = asyncio.Lock()
        self._wake = asyncio.Event()
        self._well = asyncio.Event()
        self._well.set()
        self._state = "ok"
        self._troubles = 0  # since the start; tells an answer from before a trouble from one after it
        self._failures = 0  # in a row
        self._refused_in_a_row = 0
        self._resume_at = 0.0  # monotonic
        self._last_error: str | None = None
        self._last_error_at_ms: int | None = None
        self._last_ok_at_ms: int | None = None

    async def run(self) -> None:
        """Send for ever. Cancelling it loses nothing. Raises where the journal turns out to be damaged."""
        async with asyncio.TaskGroup() as group:
            for lane in range(self._lanes):
                group.create_task(self._run_lane(lane))

    async def close(self) -> None:
        """Wait for the disk; after `run` has ended and before the journal is closed."""
        await asyncio.to_thread(self._disk.shutdown)

    async def status(self) -> Status:
        """Return how things are. Raises StoreError while the store cannot be read."""
        standing = await self._on_disk(self._outbox.standing)
        oldest_ms = standing.oldest_received_at_ms
        return Status(
            state=self._state,
            synced=standing.synced,
            pending=standing.pending,
            quarantined=standing.quarantined,
            dropped=standing.dropped,
            oldest_unsynced_age_s=None if oldest_ms is None else round(self._clock() - oldest_ms / 1000, 1),
            last_error=self._last_error,
            last_error_at_ms=self._last_error_at_ms,
            last_ok_at_ms=self._last_ok_at_ms,
            next_try_s=None if self._state == "ok" else round(max(0.0, self._wait_s()), 1),
            store_id=standing.store_id.hex(),
            rewrites=standing.rewrites,
        )

    @property
    def held(self) -> str:
        """Why the server refuses everything; "" where it does not."""
        return (self._last_error or "refused") if self._state == "hold" else ""

    @property
    def quarantined(self) -> int:
        """How many records are in quarantine and not given up."""
        return self._journal.quarantined

    async def recalibrated(self, timelines: Mapping[int, str]) -> None:
        """Compare the calibrations with those that points were made with; write once more what changed."""
        await self._on_disk(lambda: self._outbox.recalibrated(timelines, self._now_ms()))

    async def expected_between(self, from_s: int, to_s: int) -> dict[int, int]:
        """See `Outbox.expected_between`. Raises StoreError."""
        return await self._on_disk(lambda: self._outbox.expected_between(from_s, to_s))

    async def compared(
        self, expected: Mapping[int, int], there: Mapping[int, int], from_s: int, to_s: int
    ) -> int:
        """See `Outbox.compared`."""
        now_ms = self._now_ms()
        missing = await self._on_disk(lambda: self._outbox.compared(expected, there, from_s, to_s, now_ms))
        self._wake.set()
        return missing

    async def again(self, from_s: int, to_s: int) -> int:
        """See `Outbox.again`. Raises StoreError."""
        now_ms = self._now_ms()
        count = await self._on_disk(lambda: self._outbox.again(from_s, to_s, now_ms))
        log.info("points_sent_again", records=count, from_s=from_s, to_s=to_s)
        self._wake.set()
        return count

    async def settled(self, most: int = 1000) -> tuple[bytes, list[Span]]:
        """Return the id of the store and which of its records are settled, the oldest intervals first."""
        return await self._on_disk(lambda: (self._journal.store_id, list(self._journal.settled)[:most]))

    async def quarantine(self) -> list[Quarantined]:
        """Return the newest thousand refused records, newest first."""
        return await self._on_disk(self._journal.quarantine)

    async def refused_record(self, number: int) -> Quarantined | None:
        return await self._on_disk(lambda: self._journal.refused_record(number))

    async def retry(self, numbers: Sequence[int] | None) -> int:
        """Try refused records (None: all) once more, with the configuration as it is now. Return how many."""
        count = await self._on_disk(lambda: self._journal.ask_again(numbers))
        log.info("quarantine_retry", records=count)
        self._wake.set()
        return count

    async def drop(self, numbers: Sequence[int] | None) -> int:
        """Give refused records (None: all) up for good; they stay counted. Return how many."""
        count = await self._on_disk(lambda: self._journal.drop(numbers, self._now_ms()))
        log.warning("quarantine_dropped", records=count)
        return count

    async def _run_lane(self, lane: int) -> None:
        while True:
            await self._turn(lane)
            troubles = self._troubles
            try:
                verdict = await self._send_next(live=lane == 0 and self._lanes > 1 and self._state == "ok")
            except DAMAGE:
                raise  # the next start sets the journal aside
            except (apsw.Error, StoreError, OSError) as error:
                verdict = Later(None, f"the gateway's own disk: {error}")
            if verdict is None:
                await self._sleep(self._pace.poll_s)
            else:
                self._take(verdict, troubles)

    async def _turn(self, lane: int) -> None:
        """Wait while there is trouble: one lane asks again, the others wait until it gets through."""
        if lane > 0:
            await self._well.wait()
        while self._state != "ok" and self._wait_s() > 0:
            if await self._sleep(self._wait_s()):
                return

    async def _sleep(self, seconds: float) -> bool:
        """Sleep; return True when woken before the time."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _send_next(self, *, live: bool) -> Verdict | None:
        """Claim and deliver one batch; None when there was nothing to send."""
        limit = self._size.now if self._state == "ok" else min(self._size.now, _PROBE)
        async with self._claiming:
            claimed = frozenset(self._claimed)
            batch = await self._on_disk(lambda: self._outbox.claim(limit, claimed, live=live))
            if batch is None:
                return None
            self._claimed.add(batch.claim)
        try:
            return await self._deliver(batch)
        finally:
            self._claimed.discard(batch.claim)

    async def _deliver(self, batch: Batch) -> Verdict:
        """Send a batch, bisecting what is refused; settle each part as soon as its fate is known."""
        if batch.refused:
            await self._settle(batch, None, (), batch.refused)
        waiting: list[tuple[Span | None, Lines]] = [(batch.span, batch.items)]
        while waiting:
            span, items = waiting.pop()
            if len(items) > self._size.now:  # a part of this batch has just been called too large
                waiting += _halves(span, items)
                continue
            verdict = await self._write(items) if items else Ok()
            match verdict:
                case Ok():
                    await self._settle(batch, span, items, ())
                case Refused() | TooLarge() if len(items) > 1:
                    if isinstance(verdict, TooLarge):
                        self._size.halve(len(items))
                    waiting += _halves(span, items)
                case Refused() | TooLarge():
                    status = verdict.status if isinstance(verdict, Refused) else 413
                    await self._settle(batch, span, (), [Refusal(items[0], status, verdict.reason)])
                    self._refused_in_a_row += 1
                    if self._refused_in_a_row >= _REFUSED_IN_A_ROW:
                        self._refused_in_a_row = 0
                        return Hold(status, f"{_REFUSED_IN_A_ROW} points refused in a row: {verdict.reason}")
                case Later(timed_out=True):
                    self._size.halve(len(items), _TIMED_OUT_LEAST)
                    return verdict
                case Later() | Hold():
                    return verdict
        if batch.rewrite is not None:
            await self._on_disk(lambda: self._outbox.rewritten(batch))
        return Ok()

    async def _write(self, items: Lines) -> Verdict:
        body = await asyncio.to_thread(lambda: gzip.compress(items.text().encode(), 1, mtime=0))
        began = time.monotonic()
        verdict = await self._writer.write(body)
        if isinstance(verdict, Ok):
            self._refused_in_a_row = 0
            self._last_ok_at_ms = self._now_ms()
            if time.monotonic() - began > self._pace.slow_s:
                self._size.halve(len(items), _SLOW_LEAST)
            else:
                self._size.passed()
        return verdict

    async def _settle(
        self, batch: Batch, span: Span | None, delivered: Sequence[Item], refused: Sequence[Refusal]
    ) -> None:
        for refusal in refused:
            item = refusal.item
            log.warning(
                "point_quarantined",
                node=item.node,
                epoch=item.epoch,
                seq=item.seq,
                status=refusal.status,
                reason=refusal.reason,
            )
        now_ms = self._now_ms()
        await self._on_disk(lambda: self._outbox.settle(batch, span, delivered, refused, now_ms))

    def _take(self, verdict: Verdict, troubles: int) -> None:
        """Change state by how a batch went. `troubles` is how many there had been when it was claimed."""
        if troubles != self._troubles:
            return  # another lane has met trouble since; this answer is older news
        if isinstance(verdict, Ok):
            self._failures = 0
            if self._state != "ok":
                log.info("sync_resumed", was=self._state)
                self._state = "ok"
                self._well.set()
            return
        self._troubles += 1
        self._failures += 1
        self._well.clear()
        self._last_error_at_ms = self._now_ms()
        if isinstance(verdict, Hold):
            wait_s = self._pace.hold_s
            self._state = "hold"
            self._last_error = f"{verdict.status}: {verdict.reason}" if verdict.status else verdict.reason
            action = "check address, database and credentials; nothing is lost meanwhile"
            log.error("sync_held", reason=self._last_error, action=action, next_try_s=wait_s)
        else:
            assert isinstance(verdict, Later)
            wait_s = self._pace.backoff_s(self._failures, verdict.after_s, self._jitter())
            self._state = "retrying"
            self._last_error = verdict.reason
            log.warning("sync_retrying", reason=verdict.reason, next_try_s=round(wait_s, 2))
        self._resume_at = time.monotonic() + wait_s

    def _wait_s(self) -> float:
        return self._resume_at - time.monotonic()

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _halves(span: Span | None, items: Lines) -> list[tuple[Span | None, Lines]]:
    """Cut a part in two, the newer half last. Numbers without a line stay with the line before them."""
    old, new = items.halves()
    if span is None:
        return [(None, old), (None, new)]
    cut = new[0].commit
    return [((span[0], cut - 1), old), ((cut, span[1]), new)]
