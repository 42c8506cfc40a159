"""The time chips and boards live in. Only this file reads the machine's clocks."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

GRACE_MS = 200


class Clock(Protocol):
    """`monotonic_s` never steps; `utc_ms` is Unix time in ms; `sleep` waits in the same time."""

    def monotonic_s(self) -> float: ...

    def utc_ms(self) -> int: ...

    async def sleep(self, seconds: float) -> None: ...


class Appointment(Protocol):
    def cancel(self) -> None: ...


class BoardClock(Clock, Protocol):
    """A clock that can also call: boards own no thread and no task for waiting.

    Who computes holds it and releases it when he waits: a virtual clock jumps while nobody holds it.
    `offset_s` says how far it has jumped, `grace_ms` how long a virtual one waits for a real server's answer.
    """

    virtual: bool
    offset_s: float
    grace_ms: int

    def call_later(self, seconds: float, call: Callable[[], None]) -> Appointment: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...


class RealClock:
    virtual = False
    offset_s = 0.0
    grace_ms = 0

    def hold(self) -> None:
        """Real time waits for nobody."""

    def release(self) -> None:
        """Real time waits for nobody."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def utc_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Appointment:
        return asyncio.get_running_loop().call_later(seconds, call)


@dataclass(order=True, slots=True)
class _Meeting:
    due_s: float
    number: int
    call: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """Real time plus an offset, which jumps to the next appointment whenever nobody holds the clock.

    So what a board computes and what a real server takes to answer costs time as it does, while a month of
    sleep passes in minutes. Starts at `start_utc_ms`.
    """

    virtual = True
    _TURNS = 3  # of the event loop before a jump: tasks that were woken make their next appointments

    def __init__(self, start_utc_ms: int = 1_767_225_600_000) -> None:
        self.grace_ms = GRACE_MS
        self._start_utc_ms = start_utc_ms
        self._began_s = time.monotonic()
        self.offset_s = 0.0
        self._held = 0
        self._numbers = count()
        self._meetings: list[_Meeting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._turns: asyncio.Handle | None = None

    def monotonic_s(self) -> float:
        return time.monotonic() - self._began_s + self.offset_s

    def utc_ms(self) -> int:
        return self._start_utc_ms + round(self.monotonic_s() * 1000)

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        meeting = self.call_later(seconds, lambda: None if future.done() else future.set_result(None))
        try:
            await future
        finally:
            meeting.cancel()

    def call_later(self, seconds: float, call: Callable[[], None]) -> Appointment:
        meeting = _Meeting(self.monotonic_s() + max(0.0, seconds), next(self._numbers), call)
        heappush(self._meetings, meeting)
        self._look()
        return meeting

    def hold(self) -> None:
        self._held += 1

    def release(self) -> None:
        self._held -= 1
        self._look()

    def _look(self) -> None:
        """Sees to it that the next appointment is kept: in its time, or by a jump."""
        while self._meetings and self._meetings[0].cancelled:
            heappop(self._meetings)
        if not self._meetings:
            return
        loop = asyncio.get_running_loop()
        if self._held == 0 and self._turns is None:
            self._turns = loop.call_soon(self._turn, self._TURNS)
        left_s = self._meetings[0].due_s - self.monotonic_s()
        if self._timer:
            self._timer.cancel()
        self._timer = loop.call_later(max(0.0, left_s), self._keep)

    def _turn(self, left: int) -> None:
        self._turns = None
        if self._held:
            return
        if left:
            self._turns = asyncio.get_running_loop().call_soon(self._turn, left - 1)
            return
        while self._meetings and self._meetings[0].cancelled:
            heappop(self._meetings)
        if self._meetings:
            self.offset_s += max(0.0, self._meetings[0].due_s - self.monotonic_s())
            self._keep()

    def _keep(self) -> None:
        while self._meetings and (
            self._meetings[0].cancelled or self._meetings[0].due_s <= self.monotonic_s()
        ):
            meeting = heappop(self._meetings)
            if not meeting.cancelled:
                meeting.call()
                break  # what it wakes comes before what is due after it
        self._look()


class ManualClock:
    """A clock that only moves when told: for tests of chips without a board."""

    def __init__(self, utc_ms: int = 1_700_000_000_000) -> None:
        self._start_utc_ms = utc_ms
        self._elapsed_s = 0.0

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def utc_ms(self) -> int:
        return self._start_utc_ms + round(self._elapsed_s * 1000)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._elapsed_s += seconds
