"""A node's own kWh against the settled series, month by month: the meter factor is right when they agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.energy.hours import Hour
from gateway.energy.periods import Total, totals

# Both come from one register: what is left is rounding, and hours one of them had to estimate.
AGREE_SHARE = 0.005
# Months that all differ by nearly the same ratio differ by a factor.
STEADY_SHARE = 0.01

Verdict = Literal["agrees", "differs", "no common hours"]


@dataclass(frozen=True, slots=True)
class Month:
    """One month of both series, over the hours that both have. Energies in Wh."""

    label: str
    node_wh: int
    settled_wh: int
    common: int
    node_hours: int
    settled_hours: int
    expected: int

    @property
    def difference_wh(self) -> int:
        return self.node_wh - self.settled_wh

    @property
    def ratio(self) -> float | None:
        """Settled / node."""
        return self.settled_wh / self.node_wh if self.node_wh else None

    @property
    def verdict(self) -> Verdict:
        if not self.common:
            return "no common hours"
        return "agrees" if abs(self.difference_wh) <= AGREE_SHARE * max(self.settled_wh, 1) else "differs"


def reconcile(
    node: Sequence[Hour], settled: Sequence[Hour], zone: ZoneInfo, from_day: date, to_day: date
) -> list[Month]:
    """Return each month in which one of the two is known."""
    common = {hour.start_s for hour in node} & {hour.start_s for hour in settled}

    def months(series: Sequence[Hour]) -> tuple[list[Total], list[Total]]:
        shared = [hour for hour in series if hour.start_s in common]
        of_all, of_common = (totals(s, "month", zone, from_day, to_day) for s in (series, shared))
        return of_all, of_common

    node_all, node_common = months(node)
    settled_all, settled_common = months(settled)
    return [
        Month(a.label, a.wh, b.wh, a.hours, all_a.hours, all_b.hours, a.expected)
        for a, b, all_a, all_b in zip(node_common, settled_common, node_all, settled_all, strict=True)
        if all_a.hours or all_b.hours
    ]


def likely_factor(months: Sequence[Month]) -> float | None:
    """Return by which factor the node's kWh are off in every month alike; None where it is none.

    30 says that the current transformers (150/5 A) have been forgotten in `meter_factor`.
    """
    ratios = [month.ratio for month in months if month.verdict == "differs" and month.ratio]
    agreeing = any(month.verdict == "agrees" for month in months)
    if not ratios or agreeing:
        return None
    middle = median(ratios)
    steady = all(abs(ratio / middle - 1) <= STEADY_SHARE for ratio in ratios)
    return middle if steady else None
