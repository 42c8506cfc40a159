"""Values given by others, over any length of time, and the hours they come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.energy.hours import HOUR_S, Hour, shared_out


@dataclass(frozen=True, slots=True)
class Given:
    """What was used from `start_s` to `end_s` (UTC): Wh, litres of water, or hundredths of a mean °C."""

    start_s: int
    end_s: int
    amount: int
    status: str = "measured"


def hours_of(values: Iterable[Given]) -> list[Hour]:
    """Return the hours of one meter's values.

    Parts of an hour are added up; an hour of which a part is missing is missing. A longer time is shared out
    evenly over its hours, which are then estimated, where nothing finer is known; its sum stays right as long
    as it stands alone.
    """
    fine: dict[int, list[Given]] = {}
    long: list[Given] = []
    for value in values:
        start = value.start_s // HOUR_S * HOUR_S
        if value.end_s <= start + HOUR_S:
            fine.setdefault(start, []).append(value)
        else:
            long.append(value)
    hours = {}
    for start, parts in fine.items():
        if sum(part.end_s - part.start_s for part in parts) == HOUR_S:
            estimated = any(part.status != "measured" for part in parts)
            hours[start] = Hour(start, sum(part.amount for part in parts), estimated)
    for value in sorted(long, key=lambda v: v.end_s - v.start_s):
        # Someone reads a meter at 10:17: the hour is near enough, and it is estimated.
        first, last = ((s + HOUR_S // 2) // HOUR_S * HOUR_S for s in (value.start_s, value.end_s))
        free = [start for start in range(first, last, HOUR_S) if start not in hours]
        known = sum(hours[start].wh for start in range(first, last, HOUR_S) if start in hours)
        if free:
            for start, wh in zip(
                free, shared_out(max(0, value.amount - known), [1] * len(free)), strict=True
            ):
                hours[start] = Hour(start, wh, True)
    return [hours[start] for start in sorted(hours)]


def temperatures_of(values: Iterable[Given]) -> dict[int, float]:
    """Return the mean temperature (°C) of each hour that values cover, by the hour's start."""
    hourly: dict[int, list[float]] = {}
    for value in values:
        for start in range(value.start_s // HOUR_S * HOUR_S, value.end_s, HOUR_S):
            hourly.setdefault(start, []).append(value.amount / 100)
    return {start: sum(found) / len(found) for start, found in hourly.items()}


@dataclass(frozen=True, slots=True)
class Revised:
    """A value that says something else than the one before it."""

    start_s: int
    end_s: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        return self.after - self.before


def compare(held: Sequence[Given], given: Sequence[Given]) -> tuple[list[Given], list[tuple[Given, Revised]]]:
    """Return (values for times nothing was held for, values that change one that was).

    A value that is held as it is given is neither: importing a file twice changes nothing.
    """
    by_time = {(value.start_s, value.end_s): value for value in held}
    new: list[Given] = []
    changed: list[tuple[Given, Revised]] = []
    for value in given:
        before = by_time.get((value.start_s, value.end_s))
        if before is None:
            new.append(value)
        elif before != value:
            changed.append((value, Revised(value.start_s, value.end_s, before.amount, value.amount)))
    return new, changed
