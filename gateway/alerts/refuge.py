"""Where the disk takes nothing, alerts go on in memory until it does again: people are paged all the same."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import apsw
import structlog

from gateway.alerts.journal import Journal

log = structlog.get_logger()

RETURN_S = 30.0
# What a full disk, a worn-out card or one gone read-only says.
DISK_FAULTS = (apsw.FullError, apsw.ReadOnlyError, apsw.IOError, apsw.CantOpenError)
T = TypeVar("T")


class Refuge:
    """`journal` is the one that counts now: the one it was made with, or a copy of it in memory."""

    def __init__(self, journal: Journal, now_ms: Callable[[], int]) -> None:
        self.journal = journal
        self._now_ms = now_ms
        self._disk: Journal | None = None  # where the journal belongs, while it has to be in memory
        self._returned_at = 0.0
        self._lock = asyncio.Lock()

    async def write(self, work: Callable[[Journal], T]) -> T:
        """Do `work` with the journal, in a thread and never two at a time; it is never left half done.

        Where the disk takes nothing it is done in memory. Raises what `work` meets otherwise.
        """
        async with self._lock:
            try:
                return await self._whole(lambda: work(self.journal))
            except DISK_FAULTS as error:
                if self._disk is not None:
                    raise
                await self._whole(self._fall_back)
                log.error("alerts_in_memory", reason=str(error), next="they return when the disk takes them")  # noqa: TRY400
                return await self._whole(lambda: work(self.journal))

    async def look(self) -> None:
        """Put what is in memory back on the disk, from time to time, if that takes it again."""
        if self._disk is not None and time.monotonic() - self._returned_at >= RETURN_S:
            await self._return(self._disk)

    async def close(self) -> None:
        """Close the journal, on the disk if that takes it."""
        if self._disk is not None:
            await self._return(self._disk)
        self.journal.close()

    @staticmethod
    async def _whole(work: Callable[[], T]) -> T:
        working = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])
            raise

    def _fall_back(self) -> None:
        memory = Journal.in_memory(self._now_ms())
        with suppress(apsw.Error):  # a disk that can not be read either: what the engine knows goes on
            memory.fill_from(self.journal)
        self._disk, self.journal = self.journal, memory

    async def _return(self, disk: Journal) -> None:
        self._returned_at = time.monotonic()
        async with self._lock:
            memory = self.journal
            try:
                await self._whole(lambda: disk.fill_from(memory))
            except apsw.Error:
                return
            self.journal, self._disk = disk, None
            memory.close()
        log.info("alerts_on_disk_again")
