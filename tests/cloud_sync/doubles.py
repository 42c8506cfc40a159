"""A store in memory, and a server that answers as told and passes what it may on to a real one."""

import asyncio
import gzip
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web

from cloud_sync.journal import Journal
from cloud_sync.line_protocol import Unspeakable, name, series, worst
from cloud_sync.pace import Pace
from cloud_sync.worker import Status, Worker
from gateway.model import Reading, StoredRecord
from gateway.store import Stretch, stretches_of

SITE = "demo"
START_S = 1_700_000_000
QUICK = Pace(poll_s=0.01, base_s=0.01, most_s=0.05, hold_s=0.05)


def record(
    number: int, *, node: int = 11, depth: int | None = 512, measured_at_s: int | None = None
) -> StoredRecord:
    """Return the record with that commit number; sequence and time follow from it."""
    return StoredRecord(
        commit=number,
        node=node,
        epoch=0x1234_5678,
        seq=number - 1,
        measured_at_s=START_S + number if measured_at_s is None else measured_at_s,
        time_error_ms=500,
        received_at_ms=(START_S + number) * 1000 + 2500,
        schema_id=1,
        values=(depth, -150),
        quality=(0 if depth is not None else 1, 0),
        carrier="mqtt",
        rssi_dbm=None,
        snr_db=None,
        moved=False,
    )


def line(record: StoredRecord, site: str, profile: str, values: Iterable[Reading]) -> str:
    """Return the line of one record, made value by value: what those made from columns are compared with.

    Raises Unspeakable.
    """
    fields = [("seq", record.seq), ("q", worst(record.quality)), ("epoch", record.epoch)]
    fields += [(name(r.key), r.value) for r in values if r.value is not None]
    for _, value in fields:
        if not -(2**63) <= value < 2**63:
            raise Unspeakable(f"{value} does not fit a 64-bit integer")
    text = ",".join(f"{key}={value}i" for key, value in fields)
    return f"{series(profile, site, record.node)} {text} {record.measured_at_s}"


def each(encode: Callable[[StoredRecord], str]) -> Callable[[Stretch], list[str]]:
    """Return what makes the lines of a stretch as `encode` makes that of a record."""
    return lambda stretch: [encode(stretch.record(i)) for i in range(len(stretch))]


def encode(record: StoredRecord) -> str:
    keys = ("depth_mm", "air_temp_cc")
    values = [Reading(k, v, "mm", 1, q) for k, v, q in zip(keys, record.values, record.quality, strict=True)]
    return line(record, SITE, "snow", values)


class MemoryStore:
    """A Source whose records can be removed and whose identity can change."""

    def __init__(self, records: Sequence[StoredRecord] = (), store_id: bytes = b"store-01") -> None:
        self.records = list(records)
        self.store_id = store_id

    def __call__(self) -> "MemoryStore":
        return self

    def after(self, commit: int, limit: int) -> list[StoredRecord]:
        found = [r for r in self.records if r.commit > commit]
        return sorted(found, key=lambda r: r.commit)[:limit]

    def stretches(self, first: int, last: int) -> list[Stretch]:
        return stretches_of(r for r in self.records if first <= r.commit <= last)

    def last_commit(self) -> int:
        return max((r.commit for r in self.records), default=0)

    def history(self, node: int, from_s: int, to_s: int) -> list[StoredRecord]:
        found = [r for r in self.records if r.node == node and from_s <= r.measured_at_s < to_s]
        return sorted(found, key=lambda r: r.measured_at_s)

    def newest(self, node: int) -> StoredRecord | None:
        return max((r for r in self.records if r.node == node), key=lambda r: r.measured_at_s, default=None)

    def counts_between(self, from_s: int, to_s: int) -> dict[int, int]:
        return dict(Counter(r.node for r in self.records if from_s <= r.measured_at_s < to_s))


Fault = Callable[[web.Request, bytes], Awaitable[web.StreamResponse | None]]


class FaultServer:
    """Stands before a real server. `fault` answers a write itself, or returns None to let it pass.

    `bodies` are the gunzipped bodies of the writes it saw.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault: Fault | None = None
        self.bodies: list[bytes] = []
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        assert self._session is not None
        assert self._runner is not None
        await self._runner.cleanup()
        await self._session.close()

    async def forward(self, request: web.Request, body: bytes) -> tuple[int, bytes, str]:
        """Pass a request on; return the answer's status, body and content type."""
        assert self._session is not None
        # The server has taken the gzip off already.
        async with self._session.request(request.method, self.target + request.path_qs, data=body) as answer:
            return answer.status, await answer.read(), answer.content_type

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path.endswith("/write"):
            self.bodies.append(body)
            if self.fault is not None and (answer := await self.fault(request, body)) is not None:
                return answer
        status, text, content_type = await self.forward(request, body)
        return web.Response(status=status, body=text, content_type=content_type)


def answering(
    status: int, text: str = "", headers: dict[str, str] | None = None, times: int = 1_000_000
) -> Fault:
    """Return a fault that answers so the given number of times, then lets everything pass."""
    left = times

    async def fault(_: web.Request, __: bytes) -> web.StreamResponse | None:
        nonlocal left
        left -= 1
        return web.Response(status=status, text=text, headers=headers) if left >= 0 else None

    return fault


class Running:
    """A worker with its journal, running in the background of a test."""

    def __init__(self, worker: Worker, journal: Journal) -> None:
        self.worker = worker
        self.journal = journal
        self._task = asyncio.create_task(worker.run())

    async def until(self, true: Callable[[Status], bool], timeout_s: float = 60.0) -> Status:
        """Wait for a status; AssertionError with the last one when it does not come."""
        status = None
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if self._task.done():
                        self._task.result()
                    status = await self.worker.status()
                    if true(status):
                        return status
                    await asyncio.sleep(0.005)
        except TimeoutError as error:
            raise AssertionError(f"it never came to that; last: {status}") from error

    async def settled(self) -> Status:
        """Wait until everything is synced or in quarantine."""
        return await self.until(lambda status: status.pending == 0)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.worker.close()
        self.journal.close()


def open_journal(folder: Path) -> Journal:
    return Journal.open(folder / "sync.db", now_ms=0)


def gunzipped(body: bytes) -> list[str]:
    return gzip.decompress(body).decode().split("\n")
