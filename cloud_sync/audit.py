"""From time to time, the server's counts beside the store's: points that got lost there are sent again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import apsw
import structlog

from cloud_sync.readback import Unanswered
from cloud_sync.worker import Worker
from gateway.store import StoreError

log = structlog.get_logger()

HOUR_S, DAY_S = 3600, 86_400
SETTLES_S = HOUR_S  # a server may take a moment to show what it has taken
DAYS = 30  # further back is left alone: the server may keep no more

Counts = Callable[[int, int], Awaitable[dict[int, int]]]


@dataclass(slots=True)
class Audit:
    """How the last look went. `state`: never, whole, short (points are sent again) or unanswered."""

    state: str = "never"
    looked_at_s: int | None = None
    missing: int = 0
    reason: str | None = None


def windows(now_s: int, turn: int) -> list[tuple[int, int]]:
    """Return the days to look at: the newest one that has settled, and an older one, another each turn."""
    newest = (now_s - SETTLES_S) // HOUR_S * HOUR_S - DAY_S
    older = newest - DAY_S * (1 + turn % (DAYS - 1))
    return [(start, start + DAY_S) for start in (newest, older)]


async def look(worker: Worker, counts: Counts, audit: Audit, now_s: int, turn: int) -> None:
    """Compare once, and ask for what is missing to be sent again."""
    for from_s, to_s in windows(now_s, turn):
        expected = await worker.expected_between(from_s, to_s)
        if not expected:  # nothing was stored, or some of it is not sent yet
            continue
        try:
            there = await counts(from_s, to_s)
        except (Unanswered, aiohttp.ClientError, OSError) as error:
            audit.state, audit.reason = "unanswered", str(error) or type(error).__name__
            return
        audit.missing = await worker.compared(expected, there, from_s, to_s)
        audit.state, audit.reason, audit.looked_at_s = "short" if audit.missing else "whole", None, now_s
        if audit.missing:
            log.warning("server_lacks_points", points=audit.missing, next="they are sent again")


async def run(
    worker: Worker,
    counts: Counts,
    audit: Audit,
    every_s: float = HOUR_S,
    clock: Callable[[], float] = time.time,
) -> None:
    """Look for ever, beginning soon."""
    turn = 0
    while True:
        await asyncio.sleep(min(every_s, 60.0))
        try:
            await look(worker, counts, audit, int(clock()), turn)
        except (StoreError, apsw.Error) as error:
            log.warning("audit_failed", reason=str(error))
        turn += 1
        await asyncio.sleep(max(0.0, every_s - 60.0))
