"""The sync process: one Worker, its journal and its socket in the gateway's state directory."""

import asyncio
import gc
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import structlog

from cloud_sync import audit as audits
from cloud_sync.audit import Audit
from cloud_sync.influx import Account, writer_for
from cloud_sync.journal import Journal, JournalError, Quarantined
from cloud_sync.pace import Pace
from cloud_sync.readback import counts
from cloud_sync.worker import Worker
from gateway import clock, watchdog
from gateway.claim import StartError, claimed
from gateway.control import SOCKET_NAME as GATEWAY_SOCKET
from gateway.control import Control, ControlError, Message, request
from gateway.store import STORE_NAME, SYNC_JOURNAL, Reader, StoreError, Stretch

log = structlog.get_logger()

SOCKET_NAME = "sync.sock"
TELL_EVERY_S = 20.0
LATEST_S = 1 << 40  # the store's numbers end far beyond


class StoreFile:
    """The store at `path`, opened when first needed and again when the file is another one (a restore)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: Reader | None = None
        self._file: tuple[int, int] | None = None

    def __call__(self) -> Reader:
        """Return the store as it is now. Raises StoreError."""
        try:
            found = self._path.stat()
        except OSError as error:
            self.close()
            raise StoreError(
                f"{self._path}: {error.strerror}. Has the gateway been started with this state?"
            ) from error
        if self._reader is None or self._file != (found.st_dev, found.st_ino):
            self.close()
            self._reader = Reader.open(self._path)
            self._file = found.st_dev, found.st_ino
        return self._reader

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


async def run(
    state: Path,
    account: Account,
    encode: Callable[[Stretch], list[str]],
    stop: asyncio.Event | None = None,
    *,
    pace: Pace = Pace(),  # noqa: B008
    timelines: Mapping[int, str] | None = None,
    measurements: Sequence[str] = (),
) -> None:
    """Sync the store in the directory `state` until `stop` is set or the process is told to end.

    With `timelines` (see `gateway.recalibration`), points whose calibration has changed are written once
    more; counts of the `measurements` are read back from time to time. Raises StartError.
    """
    stop = stop or asyncio.Event()
    gc.freeze()  # what is imported stays: going through it again and again took a sixth of the time
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with claimed(state, "sync", "Stop it first: two would only send everything twice."):
        path = state / SYNC_JOURNAL
        try:
            writer = writer_for(account)
        except OSError as error:
            raise StartError(f"{account.to.ca_file}: no certificates can be read: {error}") from error
        try:
            journal = Journal.open(path, clock.utc_ms())
        except (JournalError, apsw.Error, OSError) as error:
            await writer.close()
            raise StartError(f"{path}: cannot be opened: {error}") from error
        store = StoreFile(state / STORE_NAME)
        worker = Worker(store, journal, writer, encode, pace=pace)
        log.info("sync_started", url=account.to.shown, api=account.api, database=account.database)
        audit = Audit()
        try:
            if timelines is not None:
                await worker.recalibrated(timelines)
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(worker.run(), name="worker"),
                    tasks.create_task(
                        _control(state / SOCKET_NAME, account, worker, audit).serve(), name="control"
                    ),
                    tasks.create_task(
                        audits.run(worker, partial(counts, account, measurements), audit), name="audit"
                    ),
                    tasks.create_task(_tell_gateway(state, worker), name="tell-gateway"),
                    tasks.create_task(watchdog.supervise(worker.settled), name="watchdog"),
                ]
                await stop.wait()
                for task in running:
                    task.cancel()
        finally:
            await writer.close()
            await worker.close()
            store.close()
            journal.close()
    log.info("sync_stopped")


async def _tell_gateway(state: Path, worker: Worker, every_s: float = TELL_EVERY_S) -> None:
    """Tell the gateway from time to time what it may prune, and what troubles there are.

    It may be away, or start anew and know nothing of them: troubles are told each time, the rest once.
    """
    told: object = None
    while True:
        store_id, spans = await worker.settled()
        news = {
            "store_id": store_id.hex(),
            "spans": spans,
            "held": worker.held,
            "quarantined": worker.quarantined,
        }
        if news != told or worker.held or worker.quarantined:
            try:
                await asyncio.to_thread(request, state / GATEWAY_SOCKET, {"do": "synced", **news})
                told = news
            except ControlError:
                pass
        await asyncio.sleep(every_s)


def _control(path: Path, account: Account, worker: Worker, audit: Audit) -> Control:
    async def status(_: Message) -> Message:
        try:
            standing = await worker.status()
        except StoreError as error:
            raise ControlError(str(error)) from error
        target = {"url": account.to.shown, "api": account.api, "database": account.database}
        return {**standing.as_dict(), "read_back": asdict(audit), **target}

    async def listing(_: Message) -> Message:
        return {"quarantine": [shown(record) for record in await worker.quarantine()]}

    async def show(message: Message) -> Message:
        number = message.get("id")
        record = await worker.refused_record(number) if type(number) is int else None
        if record is None:
            raise ControlError(f"there is no record {number!r} in quarantine")
        return {"record": shown(record)}

    async def retry(message: Message) -> Message:
        return {"records": await worker.retry(_numbers(message))}

    async def drop(message: Message) -> Message:
        return {"records": await worker.drop(_numbers(message))}

    async def again(message: Message) -> Message:
        from_s, to_s = message.get("from_s"), message.get("to_s")
        if type(from_s) is not int or type(to_s) is not int or not 0 <= from_s < to_s <= LATEST_S:
            raise ControlError('"from_s" and "to_s" have to be seconds since 1970, in that order')
        try:
            return {"records": await worker.again(from_s, to_s)}
        except StoreError as error:
            raise ControlError(str(error)) from error

    verbs = {
        "status": status,
        "quarantine": listing,
        "show": show,
        "retry": retry,
        "drop": drop,
        "again": again,
    }
    return Control(path, verbs)


def shown(record: Quarantined) -> dict[str, Any]:
    """Return a quarantined record as JSON has it."""
    return {**asdict(record), "store_id": record.store_id.hex(), "retry": bool(record.retry)}


def _numbers(message: Message) -> Sequence[int] | None:
    """Return the ids a message names; None for "all"."""
    ids = message.get("ids")
    if ids == "all":
        return None
    if not isinstance(ids, list) or not all(type(number) is int for number in ids):
        raise ControlError('"ids" has to be a list of numbers or "all"')
    return ids
