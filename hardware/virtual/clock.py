"""The time chips and boards live in. Only this file reads the machine's clocks."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """`monotonic_s` never steps; `utc_ms` is Unix time in ms; `sleep` waits in the same time."""

    def monotonic_s(self) -> float: ...

    def utc_ms(self) -> int: ...

    async def sleep(self, seconds: float) -> None: ...


class Appointment(Protocol):
    def cancel(self) -> None: ...


class BoardClock(Clock, Protocol):
    """A clock that can also call: boards own no thread and no task for waiting."""

    def call_later(self, seconds: float, call: Callable[[], None]) -> Appointment: ...


class RealClock:
    def monotonic_s(self) -> float:
        return time.monotonic()

    def utc_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Appointment:
        return asyncio.get_running_loop().call_later(seconds, call)


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
