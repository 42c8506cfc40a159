"""What a node's STATUS says, checked. Pure.

The sender holds the node's key, which does not make it right: everything is range-checked, and what it
says of losses must lie below the sequence it says comes next.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model import Span
from wire import control
from wire.frame import FrameError

_U32 = 1 << 32
_MARK_SIZE = 4
REGISTER_KINDS = {1: "reset", 2: "rollover", 3: "swap", 4: "jump"}
_CLOCK_MS = 1 << 42  # 139 years
_NAMES = {
    control.EPOCH: "epoch",
    control.CLOCK: "clock",
    control.BOOT: "boot",
    control.FIRMWARE: "firmware",
    control.CONFIG: "config",
    control.BATTERY: "battery_mv",
    control.NEXT: "next_seq",
    control.LOST: "lost",
    control.PROFILE: "schema_id",
    control.OLDEST: "oldest_seq",
    control.COUNTERS: "counters",
    control.WANT: "want",
    control.WEAR: "wear",
    control.TAKES: "takes",
    control.FAULTS: "faults",
    control.REGISTERS: "registers",
    control.SHELF: "shelf",
}


@dataclass(frozen=True, slots=True)
class RegisterSaid:
    """An event of a meter's registers as the node gave it: see `gateway.model.RegisterEvent`."""

    clock: int
    time_s: int
    kind: str
    before: bytes | None
    after: bytes | None
    registers: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """`lost` are the sequences that were overwritten unacknowledged; what is older than `oldest_seq` is
    no longer on the node, whatever became of it. `text` is the whole as JSON, for people."""

    epoch: int
    next_seq: int
    oldest_seq: int
    lost: tuple[Span, ...]
    clock: tuple[int, int] | None  # its id, and what it showed in ms
    text: str
    registers: tuple[RegisterSaid, ...] = ()


def read_status(body: Mapping[int, Any], *, newest: bool = True) -> Status:
    """Return the status in a decoded control body. Raises FrameError.

    What one that is not the `newest` frame of its node says of the shelf is left out.
    """
    epoch = _integer(body, control.EPOCH, _U32)
    next_seq = _integer(body, control.NEXT, _U32, 0)
    oldest_seq = _integer(body, control.OLDEST, next_seq + 1, 0)
    lost = []
    for span in _array(body, control.LOST):
        if not (isinstance(span, list) and len(span) == 2 and all(type(n) is int for n in span)):
            raise FrameError("a loss is [from, to]")
        first, last = span
        if not 0 <= first <= last < next_seq:
            raise FrameError(f"loss {first}..{last} is not below the next sequence {next_seq}")
        lost.append((first, last))
    clock = None
    if control.CLOCK in body:
        shown = _array(body, control.CLOCK)
        if len(shown) < 2 or not all(type(n) is int for n in shown[:2]):
            raise FrameError("a clock is [id, ms]")
        if not (0 <= shown[0] < 256 and 0 <= shown[1] < _CLOCK_MS):
            raise FrameError(f"clock {shown[0]} at {shown[1]} ms is out of range")
        clock = (shown[0], shown[1])
    held = body if newest else {key: value for key, value in body.items() if key != control.SHELF}
    named = {_NAMES.get(key, str(key)): _plain(value) for key, value in held.items()}
    registers = tuple(_register_event(event) for event in _array(body, control.REGISTERS))
    return Status(epoch, next_seq, oldest_seq, tuple(lost), clock, json.dumps(named), registers)


def goes_to_shelf(status: Mapping[str, Any]) -> bool:
    """Whether a node said in this STATUS, as `Status.text` has it, that it goes to the shelf."""
    return status.get("shelf") == 1


def _register_event(event: Any) -> RegisterSaid:
    if not isinstance(event, list) or len(event) < 6:
        raise FrameError("an event of registers is [time, clock, kind, mark, mark, registers]")
    time_s, clock, kind, before, after, found = event[:6]
    if not (type(time_s) is int and 0 <= time_s < _U32 and type(clock) is int and 0 <= clock < 256):
        raise FrameError(f"an event of registers at {time_s!r} of clock {clock!r} is out of range")
    for mark in (before, after):
        if mark is not None and not (isinstance(mark, bytes) and len(mark) == _MARK_SIZE):
            raise FrameError("a meter's mark is four bytes")
    if not isinstance(found, list) or not found:
        raise FrameError("an event of registers names none")
    registers = []
    for one in found:
        if not (isinstance(one, list) and len(one) == 3 and all(type(n) is int and n >= 0 for n in one)):
            raise FrameError("a register is [channel, before, after]")
        registers.append((one[0], one[1], one[2]))
    name = REGISTER_KINDS.get(kind) if type(kind) is int else None
    return RegisterSaid(clock, time_s, name or f"kind {kind!r}"[:20], before, after, tuple(registers))


def _integer(body: Mapping[int, Any], key: int, below: int, default: int | None = None) -> int:
    value = body.get(key, default)
    if type(value) is not int or not 0 <= value < below:  # bool is an int to isinstance
        raise FrameError(f"{_NAMES[key]} is {value!r}, not a number of 0..{below - 1}")
    return value


def _array(body: Mapping[int, Any], key: int) -> list[Any]:
    value = body.get(key, [])
    if not isinstance(value, list):
        raise FrameError(f"{_NAMES[key]} is {value!r}, not an array")
    return value


def _plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: byte strings in hexadecimal, keys as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
