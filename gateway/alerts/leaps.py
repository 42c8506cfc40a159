"""Leaps of the gateway's clock, seen while it runs and after a start. Pure.

Against the monotonic clock, which no time server moves. That one counts from the machine's boot, so a leap
between two starts of the gateway in one boot is seen as well; what was there before the boot can only be
told from times that no right clock shows, or that are still to come.
"""

import json
from dataclasses import asdict, dataclass
from typing import Self

from gateway.clock import EARLIEST_S

STEP_S = 10  # a clock that leaps so far was put right, or wrong


@dataclass(frozen=True, slots=True)
class Leap:
    """The clock was put forward by `by_s` (back: negative); from `from_s` to `to_s`, by the old clock, all
    times agree with each other."""

    by_s: int
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How far the clock is ahead of the monotonic one of a boot; followed since a moment by the latter."""

    boot: str
    ahead_s: float
    since_s: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


def follow(kept: Pace, now_s: int, monotonic_s: float) -> tuple[Pace, Leap | None]:
    """Return the pace now, in the same boot, and the leap since the last look if there was one.

    What goes right little by little is no leap: a look compares with the one before it.
    """
    ahead_s = now_s - monotonic_s
    pace = Pace(kept.boot, ahead_s, kept.since_s)
    by_s = round(ahead_s - kept.ahead_s)
    if abs(by_s) < STEP_S:
        return pace, None
    old_s = now_s - by_s
    return pace, Leap(by_s, old_s - int(monotonic_s - kept.since_s) - 1, old_s + 1)


def begin(
    kept: Pace | None, boot: str, now_s: int, monotonic_s: float, latest_s: int | None
) -> tuple[Pace, Leap | None]:
    """Return the pace at a start, and the leap since the last run if one shows.

    `latest_s` is the latest time that the gateway took from its clock and still goes by. After a boot nobody
    knows how long the machine was off: where a leap shows, that time counts for nothing.
    """
    if kept is not None and kept.boot == boot:
        return follow(kept, now_s, monotonic_s)
    pace = Pace(boot, now_s - monotonic_s, monotonic_s)
    if latest_s is None:
        return pace, None
    if latest_s > now_s + STEP_S or latest_s < EARLIEST_S <= now_s:
        from_s = now_s if kept is None else int(kept.since_s + kept.ahead_s) - 1
        return pace, Leap(now_s - latest_s, min(from_s, latest_s), latest_s)
    return pace, None
