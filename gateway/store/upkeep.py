"""What the store needs from time to time, sealing and room within its cap; and what it has to complain of."""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway import clock
from gateway.model import Span
from gateway.store.change import StoreError
from gateway.store.conditions import Condition, Known, Room, Sync, conditions, values
from gateway.store.files import SYNC_JOURNAL
from gateway.store.pruning import Limits, aged, choose, note_synced, prune, segments, synced_set
from gateway.store.reader import Reader
from gateway.store.reconcile import enter, is_due, open_days, reconcile
from gateway.store.sealing import Segment, next_segment, put_in_place
from gateway.store.store import Store, Trouble

log = structlog.get_logger()

T = TypeVar("T")

EVERY_S = 30.0
DAY_MS = 86_400_000
PACE_MS = 300_000  # a rate of less than this would say nothing
LOOK_S = 1.0  # how long a store that can not go on is left like that


async def tend(store: Store, limits: Limits, now_ms: int) -> Room:
    """Seal what is due and prune what does not fit; return how full the store is. Raises StoreError."""
    path = store.path
    while (segment := await _read(path, lambda reader: next_segment(reader.connection))) is not None:
        await seal(store, segment, now_ms)
    lost = 0
    while True:
        with Reader.open(path) as reader:
            room = look(reader, path, limits, lost)
            chosen = None
            if room.used_bytes > limits.prune_bytes or room.free_bytes < limits.free_bytes:
                at_cap = room.used_bytes > limits.drop_bytes
                chosen = choose(segments(reader.connection), synced_set(reader.connection), at_cap=at_cap)
        if chosen is None:
            return room
        lost += await store.perform(partial(prune, segment=chosen, now_ms=now_ms))
        log.info("segment_pruned", last_commit=chosen.last_commit, records_lost=lost)


async def _read(path: Path, work: Callable[[Reader], T]) -> T:
    """Do `work` in a thread, with a reader of its own: whoever is cancelled meanwhile closes none in use."""

    def worked() -> T:
        with Reader.open(path) as reader:
            return work(reader)

    return await asyncio.to_thread(worked)


async def seal(store: Store, segment: Segment, now_ms: int) -> None:
    """Put `segment` in the place of its rows. Raises StoreError, and then nothing has changed."""
    await store.perform(lambda db: put_in_place(db, segment, now_ms))
    log.info("segment_sealed", records=segment.count, chunks=len(segment.chunks))


def look(reader: Reader, path: Path, limits: Limits, lost: int = 0) -> Room:
    """Return how full the store is."""
    db = reader.connection
    pages, free, size = (int(db.pragma(name)) for name in ("page_count", "freelist_count", "page_size"))
    log_file = path.with_name(path.name + "-wal")
    log_bytes = log_file.stat().st_size if log_file.exists() else 0
    used = (pages - free) * size
    found, synced = segments(db), synced_set(db)
    ever = reader.last_commit()
    first = found[0].first_commit if found else reader.oldest_commit()
    present = max(1, ever - first + 1)
    unsynced = sum(last - low + 1 for low, last in synced.gaps(first, ever)) if ever >= first > 0 else 0
    return Room(
        disk_bytes=pages * size + log_bytes,
        used_bytes=used,
        unsynced_bytes=used * unsynced // present,
        cap_bytes=limits.cap_bytes,
        free_bytes=shutil.disk_usage(path.parent).free + free * size,
        records=present,
        lost=lost,
        watermark_percent=limits.watermark_percent,
    )


class Unusable(Exception):
    """The store takes nothing more as it is; the gateway has to start anew. `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"the store is {trouble}")
        self.trouble = trouble


class Upkeep:
    """Tends one open store. `now_ms` is UTC."""

    def __init__(self, store: Store, limits: Limits, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._limits = limits
        self._now_ms = now_ms
        self.room: Room | None = None
        self._reconciled_day: int | None = None
        self._open_days: list[tuple[int, int, int]] = []
        self._pace: deque[tuple[int, int]] = deque()  # (UTC ms, newest commit), a day of them
        self._sync: Sync | None = None
        self._held = ""
        self._quarantined: int | None = None
        self._oldest: tuple[int, dict[int, int]] | None = None  # of as many lost, when which commit came in
        self.lost = 0  # records given up at the cap since the start

    async def run(self, every_s: float = EVERY_S) -> None:
        """Tend the store until cancelled. Raises Unusable."""
        while True:
            try:
                await self.look()
            except (StoreError, OSError) as error:
                log.error("upkeep_failed", reason=str(error))  # noqa: TRY400
            waited = 0.0
            while waited < every_s:
                trouble = self._store.trouble_now()
                if trouble is Trouble.DAMAGED or (trouble is Trouble.UNWRITABLE and self._store.durable):
                    raise Unusable(trouble)
                await asyncio.sleep(min(LOOK_S, every_s))
                waited += min(LOOK_S, every_s)

    async def look(self) -> None:
        """Tend it once. Raises StoreError."""
        self.room = await tend(self._store, self._limits, self._now_ms())
        self.lost += self.room.lost
        await self._reconcile()
        await self._look_at_sync()
        now_ms = self._now_ms()
        self._pace.append((now_ms, self._store.reader.last_commit()))
        while now_ms - self._pace[0][0] > DAY_MS or self._pace[0][0] > now_ms:  # or the clock went back
            self._pace.popleft()

    async def forget(self, before_s: int) -> int:
        """Take out what was measured before that moment and sync has had, in whole segments of the store.

        Return how many segments. Raises StoreError.
        """
        count, now_ms = 0, self._now_ms()
        while segment := await _read(self._store.path, lambda reader: aged(reader.connection, before_s)):
            await self._store.perform(partial(prune, segment=segment, now_ms=now_ms))
            count += 1
        if count:
            log.info("old_segments_pruned", segments=count, before_s=before_s)
        return count

    async def _look_at_sync(self) -> None:
        if not self._store.path.with_name(SYNC_JOURNAL).exists():
            self._sync = None
            return
        if self._oldest is None or self.lost != self._oldest[0]:
            self._oldest = self.lost, {}
        oldest_ms = await _read(self._store.path, partial(oldest_unsynced_ms, known=self._oldest[1]))
        age_s = None if oldest_ms is None else max(0, self._now_ms() - oldest_ms) // 1000
        self._sync = Sync(age_s)

    async def _reconcile(self) -> None:
        """Once a day, close the days that have settled."""
        now_ms = self._now_ms()
        if self._reconciled_day == now_ms // DAY_MS:
            return
        now_s = now_ms // 1000
        path = self._store.path
        if await _read(path, lambda reader: is_due(reader, now_s)):
            lines = await _read(path, lambda reader: reconcile(reader, sorted(reader.stored()), now_s))
            await self._store.perform(partial(enter, lines=lines, now_ms=now_ms))
            for line in lines:
                if line.revision > 1:
                    log.info("ledger_day_revised", node=line.node, day_s=line.day_s, came=line.heard_since)
        self._open_days = await _read(path, lambda reader: open_days(reader, now_s))
        self._reconciled_day = now_ms // DAY_MS

    @property
    def records_per_hour(self) -> float | None:
        """How fast records came in over the last day; None in the first minutes."""
        if not self._pace:
            return None
        (then_ms, then), (now_ms, now) = self._pace[0], self._pace[-1]
        return (now - then) * 3_600_000 / (now_ms - then_ms) if now_ms - then_ms >= PACE_MS else None

    @property
    def outage_hours_left(self) -> float | None:
        """How long sync may still be away, at today's rate, before records are lost; None: not known yet."""
        room, rate = self.room, self.records_per_hour
        if room is None or not rate:
            return None
        bytes_per_hour = rate * room.used_bytes / max(1, room.records)
        return max(0.0, (self._limits.drop_bytes - room.unsynced_bytes) / bytes_per_hour)

    def as_dict(self) -> dict[str, Any] | None:
        """Return how full the store is, for the status."""
        if self.room is None:
            return None
        return {
            **asdict(self.room),
            "state": self.room.state,
            "records_per_hour": self.records_per_hour,
            "outage_hours_left": self.outage_hours_left,
            "oldest_unsynced_s": self._sync.oldest_unsynced_s if self._sync else None,
        }

    async def synced(
        self, store_id: bytes, spans: Sequence[Span], held: str = "", quarantined: int | None = None
    ) -> bool:
        """Take sync's word for what it has settled, why it may be held up, and what is in quarantine.

        False where it speaks of another store.
        """
        self._held, self._quarantined = held, quarantined
        if store_id != self._store.store_id:
            return False
        if list(synced_set(self._store.reader.connection)) != list(spans):
            await self._store.perform(partial(note_synced, spans=spans))
        return True

    @property
    def known(self) -> Known:
        store = self._store
        return Known(
            store.durable,
            store.trouble,
            self.room,
            self.lost,
            store.salvaged,
            len(store.reader.damaged_chunks),
            self._open_days,
            self.outage_hours_left,
            self._sync and replace(self._sync, held=self._held, quarantined=self._quarantined),
        )

    def conditions(self) -> list[Condition]:
        """Return what is not as it should be, the urgent first."""
        return conditions(self.known)

    def values(self) -> dict[str, int | None]:
        """Return the gateway's own values, for its alerts."""
        return values(self.known)


def oldest_unsynced_ms(reader: Reader, known: dict[int, int]) -> int | None:
    """Return when the oldest record came in (UTC ms) that sync has not settled; None where there is none.

    `known` remembers the answer of the last time by where its gap begins: during an outage that stays, and
    no segment has to be opened for it.
    """
    for first, last in synced_set(reader.connection).gaps(1, reader.last_commit()):
        if first in known:
            return known[first]
        for record in reader.after(first - 1, 1):
            if record.commit <= last:  # else they are gone, at the cap
                at_ms = record.received_at_ms
                known.clear()
                known[first] = at_ms if clock.plausible(at_ms) else record.measured_at_s * 1000
                return known[first]
    return None
