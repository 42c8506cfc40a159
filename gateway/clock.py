"""When a record was measured: times on a node's own clock placed in UTC, with an error bound. Pure,
but for `utc_ms` and `synchronised`, which ask the machine.

A node's clock is a crystal or an RC oscillator, cold and unregulated: between two anchors (moments known
on both clocks) it runs at an unknown rate, off by at most DRIFT_PPM. So one anchor bounds UTC by its own
error plus the drift since; several bound it together, and the line between the two nearest is the guess.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.model import Anchor

DRIFT_PPM = 10_000  # the ESP32's RC oscillator, calibrated at boot, over -30..30 °C: 36 s an hour
STATUS_ERROR_MS = 1_000  # a STATUS is stamped when it is built and received this much later at most
UTC_ERROR_MS = 2_000  # a node that is further off than this and shows it is told the time
AHEAD_S = 120  # a record from later than this is somebody's error, not its clock's drift
EARLIEST_S = 1_704_067_200  # 2024-01-01: no record of this system is older, no gateway's clock may be
ANCHORS_MAX = 32  # kept of one clock: the first, and the newest
CLOCKS_MAX = 64  # kept of one node


@dataclass(frozen=True, slots=True)
class Placed:
    """A moment in UTC, true to within `error_ms`."""

    utc_ms: int
    error_ms: int


def utc_ms() -> int:
    """The gateway's clock: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def place(clock_ms: int, anchors: Sequence[Anchor]) -> Placed:
    """Return when a node's clock showed `clock_ms`, from at least one anchor of that clock.

    Between two anchors the guess is interpolated, outside them the nearest anchor's offset is taken. The
    error is the distance from the guess to the far end of what all anchors together leave possible.
    """
    before = max((a for a in anchors if a.clock_ms <= clock_ms), key=lambda a: a.clock_ms, default=None)
    after = min((a for a in anchors if a.clock_ms >= clock_ms), key=lambda a: a.clock_ms, default=None)
    near = before or after
    if near is None:
        raise ValueError("no anchor: nothing ties this clock to UTC")
    guess = near.utc_ms + clock_ms - near.clock_ms
    if before is not None and after is not None and before.clock_ms < after.clock_ms:
        passed = (after.utc_ms - before.utc_ms) * (clock_ms - before.clock_ms)
        guess = before.utc_ms + round(passed / (after.clock_ms - before.clock_ms))
    low, high = _bounds(clock_ms, anchors)
    return Placed(guess, max(guess - low, high - guess, 0))


def _bounds(clock_ms: int, anchors: Sequence[Anchor]) -> tuple[int, int]:
    """Return the earliest and the latest UTC that all anchors allow; the widest where they contradict."""
    bounds = []
    for anchor in anchors:
        passed = clock_ms - anchor.clock_ms
        reach = anchor.error_ms + abs(passed) * DRIFT_PPM // 1_000_000
        bounds.append((anchor.utc_ms + passed - reach, anchor.utc_ms + passed + reach))
    low, high = max(b[0] for b in bounds), min(b[1] for b in bounds)
    if low > high:
        low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
    return low, high


def between(clock_ms: int, after_ms: int | None, before_ms: int) -> Anchor:
    """Return an anchor for a clock that never met the gateway, by what lies on both sides of it.

    `clock_ms` is what it showed at the newest record made by it, at a moment before `before_ms` (UTC). It
    started at 0 after the moment `after_ms`; None where no earlier moment is known. The guess is the middle,
    and the error reaches both ends; with one end only, the guess is that end.
    """
    if after_ms is None:
        return Anchor(clock_ms, before_ms, max(before_ms - EARLIEST_S * 1000, 0))
    earliest_ms = after_ms + clock_ms - clock_ms * DRIFT_PPM // 1_000_000
    low, high = min(earliest_ms, before_ms), max(earliest_ms, before_ms)
    return Anchor(clock_ms, (low + high) // 2, (high - low + 1) // 2)


def with_anchor(anchors: Sequence[Anchor], new: Anchor) -> tuple[Anchor, ...]:
    """Return `anchors` with `new`, ascending, ANCHORS_MAX at most.

    Clock ids are one byte and come round, so an anchor that no permitted drift reconciles with the newest
    one is of another clock with the same id: it starts afresh.
    """
    if anchors:
        newest = anchors[-1]
        passed = new.clock_ms - newest.clock_ms
        reach = new.error_ms + newest.error_ms + abs(passed) * DRIFT_PPM // 1_000_000
        if abs(newest.utc_ms + passed - new.utc_ms) > reach:
            return (new,)
    merged = sorted([*(a for a in anchors if a.clock_ms != new.clock_ms), new], key=lambda a: a.clock_ms)
    if len(merged) > ANCHORS_MAX:
        del merged[1 : 1 + len(merged) - ANCHORS_MAX]
    return tuple(merged)


def correction_s(times_s: Sequence[int], received_at_ms: int) -> int:
    """Return what to add to the UTC times of one frame: 0, unless its node's clock is plainly wrong.

    Wrong is a time that is still to come, or one from before this system was. Then the frame's newest
    record is taken to be as old as the frame, and the spacing of the others stays. How far off the truth
    that is nobody knows; the size of the correction is the error to state.
    """
    newest = max(times_s)
    if is_ahead(newest, received_at_ms / 1000) or min(times_s) < EARLIEST_S:
        return received_at_ms // 1000 - newest
    return 0


def is_ahead(at_s: int, now_s: float) -> bool:
    """Whether a time is still to come: a clock that was ahead gave it, or this one is late."""
    return at_s > now_s + AHEAD_S


def plausible(utc_ms: int) -> bool:
    """Whether the gateway's own clock can be right: a Raspberry Pi has no battery and may start in 1970."""
    return utc_ms >= EARLIEST_S * 1000


def boot() -> str:
    """Which start of this machine it is: the monotonic clock counts from it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def synchronised(runtime: Path = Path("/run/systemd/timesync")) -> bool:
    """Whether this machine's clock may overrule a node's: not while systemd-timesyncd has no time yet."""
    return not runtime.is_dir() or (runtime / "synchronized").exists()
