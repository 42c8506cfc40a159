"""What happened between two values of one energy register: consumption, or an event.

A register only counts up. Where it does not, the meter was reset, rolled over or was replaced, or the value
is false; a difference taken blindly would be negative or absurd. The node judges by the same rules
(firmware/lib/drivers/han_registers.py); the gateway can look ahead as well, so it also tells a false value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """Why two values of a register do not give the energy between them, or not by their difference."""

    RESET = "reset"  # counts from zero again
    ROLLOVER = "rollover"  # went through its last digit: the energy is known
    SWAP = "swap"  # another meter, as the site's configuration says
    JUMP = "jump"  # more than the connection can carry, and it stays there: perhaps a swap nobody noted
    FALSE = "false value"  # the values before and after fit together, this one does not
    CONFLICT = "conflict"  # two values for one moment: the first counts


# Where registers roll over: six to nine digits of kWh on the display, or 32 bits of Wh or of 10 Wh.
MODULI_WH = (10**9, 10**10, 10**11, 10**12, 1 << 32, 10 << 32)


@dataclass(frozen=True, slots=True)
class Value:
    """What a register showed at `at_s` (UTC), in Wh. `meter` counts the meters that have hung there."""

    at_s: int
    wh: int
    meter: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """From `from_s` to `to_s` the meter counted `wh`; None: not known, and `event` says why."""

    from_s: int
    to_s: int
    wh: int | None
    event: Event | None = None
    meter: int = 0


def judge(before: Value, after: Value, most_w: int) -> Step:
    """Return what happened between two values; never negative energy.

    `most_w` is the most the connection can carry. A tenth and a resolution of 10 Wh are allowed on top. Only
    a register in its last tenth can roll over: after a long gap a reset would look like it otherwise.
    """
    span = (before.at_s, after.at_s)
    if before.meter != after.meter:
        return Step(*span, None, Event.SWAP, after.meter)
    most_wh = most_w * (after.at_s - before.at_s) * 11 // 36_000 + 10
    wh = after.wh - before.wh
    if 0 <= wh <= most_wh:
        return Step(*span, wh, None, after.meter)
    if wh < 0:
        for modulus in MODULI_WH:
            if modulus * 9 // 10 <= before.wh < modulus and wh + modulus <= most_wh:
                return Step(*span, wh + modulus, Event.ROLLOVER, after.meter)
        if after.wh <= most_wh:
            return Step(*span, None, Event.RESET, after.meter)
    return Step(*span, None, Event.JUMP, after.meter)


def steps(values: Sequence[Value], most_w: int) -> Iterator[Step]:
    """Yield the steps between the values of one register, given in order of time.

    A false value, repeated or not, is stepped over; its own step has no length, and no energy is lost by it.
    """
    before: Value | None = None
    for i, value in enumerate(values):
        if before is None:
            before = value
            continue
        if value.at_s == before.at_s:
            if value.wh != before.wh:
                yield Step(value.at_s, value.at_s, None, Event.CONFLICT, value.meter)
            continue
        step = judge(before, value, most_w)
        if step.event in (Event.RESET, Event.JUMP):
            following = _next_other(values, i)
            if following is not None and judge(before, following, most_w).event is None:
                yield Step(value.at_s, value.at_s, None, Event.FALSE, value.meter)
                continue
        yield step
        before = value


def _next_other(values: Sequence[Value], i: int) -> Value | None:
    """Return the first value after `i` that is another one."""
    return next((values[k] for k in range(i + 1, len(values)) if values[k].wh != values[i].wh), None)
