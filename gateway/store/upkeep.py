"""What the store needs from time to time, sealing and room within its cap; and what it has to complain of."""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway.model import Span
from gateway.store.change import StoreError
from gateway.store.pruning import Limits, choose, note_synced, prune, segments, synced_set
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


@dataclass(frozen=True, slots=True)
class Room:
    """How full the store is. `disk_bytes` is what its files take, `used_bytes` what of that is in use;
    `unsynced_bytes` may not be pruned without a loss. `free_bytes` is what it can still grow into, inside
    its file and on the disk. Of about `records`; `lost` ones were given up in this round."""

    disk_bytes: int
    used_bytes: int
    unsynced_bytes: int
    cap_bytes: int
    free_bytes: int
    records: int = 0
    lost: int = 0

    @property
    def state(self) -> str:
        """ok, watermark (sync should soon get through) or losing."""
        if self.lost:
            return "losing"
        return "watermark" if self.unsynced_bytes > Limits(self.cap_bytes).watermark_bytes else "ok"


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
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about the gateway itself that people should know. `urgent`: records are at stake."""

    name: str
    urgent: bool
    text: str


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
        now_ms = self._now_ms()
        self._pace.append((now_ms, self._store.reader.last_commit()))
        while now_ms - self._pace[0][0] > DAY_MS or self._pace[0][0] > now_ms:  # or the clock went back
            self._pace.popleft()

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
        self._open_days = await _read(path, open_days)
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
        }

    async def synced(self, store_id: bytes, spans: Sequence[Span]) -> bool:
        """Take sync's word for what it has settled; False where it speaks of another store."""
        if store_id != self._store.store_id:
            return False
        await self._store.perform(partial(note_synced, spans=spans))
        return True

    def conditions(self) -> list[Condition]:
        """Return what is not as it should be, the urgent first."""
        store, room, found = self._store, self.room, []
        if not store.durable:
            found.append(
                Condition(
                    "memory_only",
                    True,
                    "The card takes nothing: records are kept in memory and not acknowledged",
                )
            )
        if store.trouble is Trouble.FULL:
            found.append(Condition("disk_full", True, "The disk is full: nothing more is acknowledged"))
        if room is not None and room.state == "losing":
            found.append(
                Condition(
                    "losing", True, f"The store is full: {self.lost} records were lost before sync had them"
                )
            )
        if room is not None and room.state == "watermark":
            share = 100 * room.unsynced_bytes // room.cap_bytes
            found.append(
                Condition("watermark", False, f"{share} % of the store's room holds unsynced records")
            )
        if store.salvaged is not None:
            text = f"The store was damaged and is set aside as {store.salvaged.aside.name}; "
            text += f"{store.salvaged.missing} records could not be read"
            found.append(Condition("salvaged", bool(store.salvaged.missing), text))
        if self._open_days:
            missing = sum(count for *_, count in self._open_days)
            nodes = ", ".join(map(str, sorted({node for node, *_ in self._open_days})[:5]))
            found.append(
                Condition("ledger_open", False, f"{missing} records are unaccounted for, of node {nodes}")
            )
        if damaged := len(store.reader.damaged_chunks):
            found.append(Condition("damaged_chunks", True, f"{damaged} sealed chunks cannot be read"))
        return found
