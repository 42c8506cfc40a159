"""Whether this hour is about to become a peak: told at minute 20 and 40, while it can still be avoided."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from device_configs.tariff import Peak, Steps
from gateway.energy.hours import HOUR_S, Hour, total_wh
from gateway.energy.metering import POWER_GAP_S, Sample
from gateway.energy.peaks import counting, price
from gateway.energy.periods import local_day

RECENT_S = 600
SLICE_S = 300
KNOWN_SHARE = 0.8

Outlook = Literal["will", "likely", "may", "no"]


@dataclass(frozen=True, slots=True)
class Projection:
    """What the running hour will come to, in Wh: expected, at least and at most; used so far."""

    start_s: int
    so_far_wh: int
    expected_wh: int
    low_wh: int
    high_wh: int

    def outlook(self, limit_w: int) -> Outlook:
        """Return whether the hour's mean power will pass a limit."""
        if self.low_wh > limit_w:
            return "will"
        if self.expected_wh > limit_w:
            return "likely"
        return "may" if self.high_wh > limit_w else "no"


def project(powers: Sequence[Sample], now_s: int) -> Projection | None:
    """Return what this hour comes to if the load of the last ten minutes goes on.

    `powers`: (UTC second, W) in order of time, with the meter's factor applied. At least and at most: if it
    goes on like the lowest or the highest five minutes of the hour. None where power covers too little of
    the hour so far, or nothing of its last ten minutes: no projection is better than a false one.
    """
    start = now_s // HOUR_S * HOUR_S
    so_far, covered = _energy(powers, start, now_s)
    recent, recent_covered = _energy(powers, max(start, now_s - RECENT_S), now_s)
    if covered < KNOWN_SHARE * (now_s - start) or not recent_covered:
        return None
    used = so_far * (now_s - start) / covered
    slices = []
    for from_s in range(start, now_s - SLICE_S + 1, SLICE_S):
        energy, seconds = _energy(powers, from_s, from_s + SLICE_S)
        if seconds >= KNOWN_SHARE * SLICE_S:
            slices.append(energy / seconds)
    rate = recent / recent_covered
    left = start + HOUR_S - now_s
    low, high = min([*slices, rate]), max([*slices, rate])
    wh = [round((used + w * left) / HOUR_S) for w in (rate, low, high)]
    return Projection(start, round(used / HOUR_S), *wh)


def _energy(powers: Sequence[Sample], from_s: int, to_s: int) -> tuple[float, int]:
    """Return (W·s, seconds covered) between two moments: trapezoids, nothing across a gap."""
    energy, covered = 0.0, 0
    for (a, first), (b, last) in pairwise(powers):
        begin, end = max(a, from_s), min(b, to_s)
        if begin < end and b - a <= POWER_GAP_S:
            slope = (last - first) / (b - a)
            energy += (first + slope * ((begin + end) / 2 - a)) * (end - begin)
            covered += end - begin
    return energy, covered


def extra_ore(month: Sequence[Hour], wh: int, start_s: int, version: Steps | Peak, zone: ZoneInfo) -> int:
    """Return what an hour of `wh` would add to the price of its month so far, in øre."""
    number = local_day(start_s, zone).month

    def charged(hours: Sequence[Hour]) -> int:
        counted = counting(hours, version, zone)
        demand = round(total_wh(counted) / len(counted)) if counted else 0
        return price(version, demand, number)[0]

    return charged([*month, Hour(start_s, wh)]) - charged(month)
