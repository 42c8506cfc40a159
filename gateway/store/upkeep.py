"""What the store needs from time to time: sealing, and room within its cap."""

import asyncio
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from gateway.store.pruning import Limits, choose, prune, segments, synced_set
from gateway.store.reader import Reader
from gateway.store.sealing import Segment, next_segment, put_in_place
from gateway.store.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Room:
    """How full the store is. `disk_bytes` is what its files take, `used_bytes` what of that is in use;
    `unsynced_bytes` may not be pruned without a loss. `free_bytes` is what it can still grow into, inside
    its file and on the disk. `lost` records were given up in this round."""

    disk_bytes: int
    used_bytes: int
    unsynced_bytes: int
    cap_bytes: int
    free_bytes: int
    lost: int = 0

    @property
    def state(self) -> str:
        """ok, watermark (sync should soon get through) or losing."""
        if self.lost:
            return "losing"
        return "watermark" if self.unsynced_bytes > Limits(self.cap_bytes).watermark_bytes else "ok"


async def tend(store: Store, path: Path, limits: Limits, now_ms: int) -> Room:
    """Seal what is due and prune what does not fit; return how full the store is. Raises StoreError."""
    with Reader.open(path) as reader:
        while (segment := await asyncio.to_thread(next_segment, reader.connection)) is not None:
            await seal(store, segment, now_ms)
        lost = 0
        while True:
            room = look(reader, path, limits, lost)
            chosen = None
            if room.used_bytes > limits.prune_bytes or room.free_bytes < limits.free_bytes:
                at_cap = room.used_bytes > limits.drop_bytes
                chosen = choose(segments(reader.connection), synced_set(reader.connection), at_cap=at_cap)
            if chosen is None:
                return room
            lost += await store.perform(partial(prune, segment=chosen, now_ms=now_ms))
            log.info("segment_pruned", last_commit=chosen.last_commit, records_lost=lost)


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
        lost=lost,
    )
