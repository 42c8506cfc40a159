"""From the registers and the power of one meter to its hours.

1. Energy is what the register counted. Power only fills in, and what it fills is estimated.
2. Where the register is known before and after a gap, the hours in between add up to exactly what it counted;
   their shape comes from power where there is some, else it is even, and they are all estimated.
3. Where the register says nothing (reset, swap, not there), an hour is estimated from power that covers nine
   tenths of it, or it is missing.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from gateway.energy.hours import HOUR_S, Hour, shared_out
from gateway.energy.registers import Event, Step, Value, steps

# A HAN port gives its registers right after the hour they belong to. A clock may be a little early.
EARLY_S = 120
# Between two samples of power further apart than this nothing is assumed.
POWER_GAP_S = 300
POWER_SHARE = Fraction(9, 10)
# More than any meter with a HAN port sends: 2 MW.
MOST_W = 2_000_000

Sample = tuple[int, int]  # UTC seconds; Wh or W as the port shows it


@dataclass(frozen=True, slots=True)
class Factor:
    """From `from_s` on true energy is `factor` times what the port shows. Each but the first is a swap."""

    from_s: int
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class PowerHour:
    """What the samples of power in one hour come to: twice the energy in W·s, and how long they cover."""

    start_s: int
    twice_ws: int
    covered_s: int


@dataclass(frozen=True, slots=True)
class Metered:
    """The hours of one meter, and what happened to its register: (UTC seconds, event)."""

    hours: list[Hour]
    events: list[tuple[int, Event]]


def power_hours(samples: Iterable[Sample]) -> list[PowerHour]:
    """Return the hours of samples of power (W), given in any order: trapezoids, nothing across a gap."""
    twice_ws: dict[int, int] = {}
    covered: dict[int, int] = {}
    for (from_s, first_w), (to_s, last_w) in pairwise(sorted(samples)):
        if not 0 < to_s - from_s <= POWER_GAP_S:
            continue
        start = from_s // HOUR_S * HOUR_S
        while start < to_s:
            seconds = min(to_s, start + HOUR_S) - max(from_s, start)
            twice_ws[start] = twice_ws.get(start, 0) + (first_w + last_w) * seconds
            covered[start] = covered.get(start, 0) + seconds
            start += HOUR_S
    return [PowerHour(start, energy, covered[start]) for start, energy in twice_ws.items()]


def metered(
    registers: Iterable[Sample],
    power: Iterable[PowerHour],
    factors: Sequence[Factor] = (Factor(0),),
    *,
    pushed_hourly: bool = True,
    most_w: int = MOST_W,
) -> Metered:
    """Return the hours of a meter from its register (Wh) and its power, each in any order.

    `pushed_hourly`: a register belongs to the full hour before it, as on a HAN port; otherwise to the moment
    it was read. What is before the first of `factors` is not used.
    """
    values = [
        Value((at_s + EARLY_S) // HOUR_S * HOUR_S if pushed_hourly else at_s, wh, meter)
        for at_s, wh in sorted(registers)
        if (meter := _meter(factors, at_s)) >= 0
    ]
    found = list(steps(values, most_w))
    estimates = _estimates(power, factors)
    parts = [part for step in _scaled(found, factors) for part in _by_hour(step, estimates)]
    events = [(step.to_s, step.event) for step in found if step.event]
    return Metered(_hours(parts, estimates), events)


def _meter(factors: Sequence[Factor], at_s: int) -> int:
    return bisect_right(factors, at_s, key=lambda factor: factor.from_s) - 1


def _estimates(power: Iterable[PowerHour], factors: Sequence[Factor]) -> dict[int, int]:
    """Return the energy (Wh) of the hours that power covers well enough, each filled up to 3600 s.

    An hour in which the meter was swapped is not among them: which factor held when is not kept.
    """
    found = {}
    for hour in power:
        meter = _meter(factors, hour.start_s)
        if meter < 0 or meter != _meter(factors, hour.start_s + HOUR_S - 1):
            continue
        if hour.covered_s >= POWER_SHARE * HOUR_S:
            factor = factors[meter].factor
            found[hour.start_s] = (
                hour.twice_ws * factor.numerator // (2 * hour.covered_s * factor.denominator)
            )
    return found


def _scaled(found: Iterable[Step], factors: Sequence[Factor]) -> Iterator[Step]:
    """Multiply by the meter's factor so that sums are right to the Wh: what is cut off is carried on."""
    carried = Fraction(0)
    for step in found:
        if step.wh is not None:
            exact = step.wh * factors[step.meter].factor + carried
            carried = exact - int(exact)
            yield Step(step.from_s, step.to_s, int(exact), step.event, step.meter)


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of one hour from one step: `wh` in `seconds` of it."""

    start_s: int
    seconds: int
    wh: int
    estimated: bool


def _by_hour(step: Step, estimates: Mapping[int, int]) -> Iterator[_Part]:
    assert step.wh is not None
    first = step.from_s // HOUR_S * HOUR_S
    if step.to_s - first <= HOUR_S:  # nearly always
        yield _Part(first, step.to_s - step.from_s, step.wh, False)
        return
    starts = range(first, step.to_s, HOUR_S)
    seconds = [min(step.to_s, s + HOUR_S) - max(step.from_s, s) for s in starts]
    weights: list[Fraction | int] = list(seconds)
    estimated = step.to_s - step.from_s > POWER_GAP_S
    if estimated:
        even = Fraction(step.wh, step.to_s - step.from_s)
        weights = [
            Fraction(estimates[s] * part, HOUR_S) if s in estimates else even * part
            for s, part in zip(starts, seconds, strict=True)
        ]
        if not any(weights):
            weights = list(seconds)
    for start, part, wh in zip(starts, seconds, shared_out(step.wh, weights), strict=True):
        yield _Part(start, part, wh, estimated)


def _hours(parts: Iterable[_Part], estimates: Mapping[int, int]) -> list[Hour]:
    known: dict[int, list[_Part]] = {}
    for part in parts:
        known.setdefault(part.start_s, []).append(part)
    hours = []
    for start in sorted(known.keys() | estimates.keys()):
        of_hour = known.get(start, [])
        left = HOUR_S - sum(part.seconds for part in of_hour)
        wh = sum(part.wh for part in of_hour)
        if left == 0:
            hours.append(Hour(start, wh, any(part.estimated for part in of_hour)))
        elif start in estimates:
            hours.append(Hour(start, wh + estimates[start] * left // HOUR_S, True))
    return hours
