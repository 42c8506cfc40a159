"""The store of the writing process: one thread writes, and each of its commits takes whatever queued
during the one before. So a lone change is committed at once, and a flood shares its disk flushes."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeVar

import apsw
import structlog

from gateway.clock import utc_ms
from gateway.model import StoredRecord
from gateway.store.change import Change, Outcome, StoreError
from gateway.store.migrations import APPLICATION_ID, NewerSchema, migrate
from gateway.store.reader import Reader
from gateway.store.writer import Writer

log = structlog.get_logger()

# Before this, two processes on one database in WAL mode could damage it (sqlite.org/wal.html, section 11).
SQLITE_MIN = (3, 51, 3)
STORE_ID_SIZE = 8

T = TypeVar("T")
Work = Callable[[apsw.Connection], Any]

_Queued = tuple[Change | Work, "asyncio.Future[Any]"]
_Waiting = Sequence["asyncio.Future[Any]"]


class Store:
    """Open it with `Store.open`, in the one process that writes; `close` it to let everything be written."""

    def __init__(self, db: apsw.Connection, reader: Reader) -> None:
        self.reader = reader
        self.store_id = reader.store_id
        self._db = db
        self._writer = Writer(db)
        self._queue: SimpleQueue[_Queued | None] = SimpleQueue()
        self._closed = False
        self.commits = 0  # transactions since it was opened
        self._thread = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, clock: Callable[[], int] = utc_ms) -> Self:
        """Open the store at `path`, making or migrating it as needed. Raises StoreError."""
        if tuple(map(int, apsw.sqlite_lib_version().split("."))) < SQLITE_MIN:
            raise StoreError(
                f"SQLite {apsw.sqlite_lib_version()} can damage a store that is read while it is written. "
                "Install the locked version of the package apsw."
            )
        try:
            db = _open(path, clock)
        except NewerSchema as error:
            raise StoreError(
                f"{path}: {error}. Install the gateway version that wrote it, or a newer one."
            ) from error
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise StoreError(
                f"{path}: the store is damaged ({error}). Move it aside with its -wal and -shm files and "
                "restore a backup, or start without: nodes send again what they still hold."
            ) from error
        except apsw.Error as error:
            raise StoreError(f"{path}: the store cannot be opened: {error}") from error
        return cls(db, Reader.open(path))

    async def append(self, change: Change) -> Outcome:
        """Commit `change`; return once it is on disk. Raises StoreError when nothing of it is.

        Changes are applied in the order of the calls.
        """
        outcome: Outcome = await self._queued(change)
        return outcome

    async def perform(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` in a transaction of its own on the writer's thread. Raises StoreError, as `append`.

        For what concerns whole segments and the like; records and what belongs to them are appended.
        """
        done: T = await self._queued(work)
        return done

    def _queued(self, item: Change | Work) -> "asyncio.Future[Any]":
        if self._closed:
            raise StoreError("the store is closed")
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put((item, done))
        return done

    def after(self, commit: int, limit: int) -> list[StoredRecord]:
        """Return at most `limit` records committed after `commit`, in commit order."""
        return self.reader.after(commit, limit)

    async def close(self) -> None:
        """Commit what is queued, then close."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self.reader.close()
            self._db.close()

    def _write(self) -> None:
        """The writer thread."""
        last = False
        while not last:
            queued = [self._queue.get()]
            try:
                while True:
                    queued.append(self._queue.get_nowait())
            except Empty:
                pass
            last = None in queued
            self._commit([item for item in queued if item is not None])

    def _commit(self, queued: Sequence[_Queued]) -> None:
        if not queued:
            return
        works = [i for i, (item, _) in enumerate(queued) if not isinstance(item, Change)]
        if works and len(queued) > 1:  # a piece of work has a transaction of its own, in its turn
            i = works[0]
            for part in (queued[:i], queued[i : i + 1], queued[i + 1 :]):
                self._commit(part)
            return
        try:
            outcomes = self._apply(queued)
        except Exception as error:  # noqa: BLE001 - nothing is written; whoever awaits a change is told
            if len(queued) > 1:  # one bad change must not take the others with it
                for item in queued:
                    self._commit([item])
                return
            log.error("store_refused_change", reason=f"{type(error).__name__}: {error}")  # noqa: TRY400
            _tell(_fail, [done for _, done in queued], StoreError(f"the store took nothing: {error}"))
            return
        self.commits += 1
        _tell(_succeed, [done for _, done in queued], outcomes)

    def _apply(self, queued: Sequence[_Queued]) -> Sequence[Any]:
        """Apply changes together, or one piece of work; return what each comes to."""
        first, _ = queued[0]
        if isinstance(first, Change):
            return self._writer.commit([item for item, _ in queued if isinstance(item, Change)])
        return [self._writer.perform(first)]


def _tell(how: Callable[..., None], waiting: _Waiting, what: object) -> None:
    with suppress(RuntimeError):  # their event loop is closed: nobody waits any more
        waiting[0].get_loop().call_soon_threadsafe(how, waiting, what)


def _succeed(waiting: _Waiting, outcomes: Sequence[Any]) -> None:
    for done, outcome in zip(waiting, outcomes, strict=True):
        if not done.done():  # cancelled meanwhile: it is stored, and the node will ask again
            done.set_result(outcome)


def _fail(waiting: _Waiting, error: StoreError) -> None:
    for done in waiting:
        if not done.done():
            done.set_exception(error)


def _open(path: Path, clock: Callable[[], int]) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.set_busy_timeout(10_000)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    now_ms = clock()
    migrate(db, now_ms)
    with db:
        db.execute("INSERT OR IGNORE INTO meta VALUES ('store_id', ?)", (os.urandom(STORE_ID_SIZE),))
        db.execute("INSERT OR IGNORE INTO meta VALUES ('created_at_ms', ?)", (now_ms,))
    return db
