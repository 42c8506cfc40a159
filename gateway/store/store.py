"""The store of the writing process: one thread writes, and each of its commits takes whatever queued
during the one before. So a lone change is committed at once, and a flood shares its disk flushes."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeVar

import apsw
import structlog

from gateway.clock import utc_ms
from gateway.model import Ack, StoredRecord
from gateway.store.change import Change, Outcome, StoreError
from gateway.store.damage import DAMAGE
from gateway.store.files import suspect_file
from gateway.store.opening import open_database
from gateway.store.reader import Reader
from gateway.store.salvage import Salvaged
from gateway.store.writer import Writer

log = structlog.get_logger()


class Trouble(StrEnum):
    """Why the store takes nothing: what the gateway does about it differs."""

    FULL = "full"  # prune what is synced, and wait
    UNWRITABLE = "unwritable"  # a card that went read-only or fails: go on in memory
    DAMAGED = "damaged"  # set it aside, and start anew with what can be read
    OTHER = "other"


T = TypeVar("T")
Work = Callable[[apsw.Connection], Any]

_Queued = tuple[Change | Work, "asyncio.Future[Any]"]
_Waiting = Sequence["asyncio.Future[Any]"]


class Store:
    """Open it with `Store.open`, in the one process that writes; `close` it to let everything be written."""

    def __init__(
        self,
        db: apsw.Connection,
        reader: Reader,
        path: Path,
        salvaged: Salvaged | None = None,
        *,
        durable: bool = True,
    ) -> None:
        self.path = path
        self.reader = reader
        self.salvaged = salvaged
        self.durable = durable
        self.trouble: Trouble | None = None  # of the last transaction
        self.store_id = reader.store_id
        self._db = db
        self._writer = Writer(db)
        self._queue: SimpleQueue[_Queued | None] = SimpleQueue()
        self._closed = False
        self.commits = 0  # transactions since it was opened
        self._thread = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, clock: Callable[[], int] = utc_ms, *, durable: bool = True) -> Self:
        """Open the store at `path`, making, migrating or salvaging it as needed. Raises StoreError.

        One that is not `durable` is kept in memory: it acknowledges nothing.
        """
        opened = open_database(path, clock)
        return cls(opened.db, Reader.open(path), path, opened.salvaged, durable=durable)

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

    def trouble_now(self) -> Trouble | None:
        """Return the trouble of the last transaction, or what a look at the files shows.

        A connection that has been open for a while may still see what it has in memory.
        """
        try:
            with Reader.open(self.path) as reader:
                reader.last_commit()
        except StoreError as error:
            if isinstance(error.__cause__, DAMAGE):
                self._note(Trouble.DAMAGED)
        return self.trouble

    def _note(self, trouble: Trouble) -> None:
        self.trouble = trouble
        if trouble is Trouble.DAMAGED:
            with suppress(OSError):
                suspect_file(self.path).touch()

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
            self._note(_trouble(error))
            _tell(_fail, [done for _, done in queued], StoreError(f"the store took nothing: {error}"))
            log.error("store_refused_change", reason=f"{type(error).__name__}: {error}")  # noqa: TRY400
            return
        self.commits += 1
        if isinstance(queued[0][0], Change):  # other work may have written nothing, which a full disk allows
            self.trouble = None
        _tell(_succeed, [done for _, done in queued], outcomes)

    def _apply(self, queued: Sequence[_Queued]) -> Sequence[Any]:
        """Apply changes together, or one piece of work; return what each comes to."""
        first, _ = queued[0]
        if isinstance(first, Change):
            outcomes = self._writer.commit([item for item, _ in queued if isinstance(item, Change)])
            if self.durable:
                return outcomes
            return [replace(o, acks=dict.fromkeys(o.acks, Ack(0, ()))) for o in outcomes]
        return [self._writer.perform(first)]


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, apsw.FullError):
        return Trouble.FULL
    if isinstance(error, DAMAGE):
        return Trouble.DAMAGED
    if isinstance(error, (apsw.ReadOnlyError, apsw.IOError, apsw.CantOpenError, apsw.PermissionsError)):
        return Trouble.UNWRITABLE
    return Trouble.OTHER


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
