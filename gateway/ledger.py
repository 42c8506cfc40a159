"""What became of each node's records, day by day (UTC). Pure.

Sequences tell how many records a node has made; the times of those around a gap tell which day its records
belong to. Laws: every sequence between a node's first and last record of an epoch is in exactly one day, and
measured = heard + lost + missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from gateway.heard import SequenceSet

DAY_S = 86_400

Trace = tuple[int, int, int]  # epoch, sequence, measured_at_s


@dataclass(slots=True)
class Day:
    """One node's day. Counts of records; `lost` by cause; `missing` may still come."""

    heard: int = 0
    missing: int = 0
    lost: dict[str, int] = field(default_factory=dict)

    @property
    def measured(self) -> int:
        return self.heard + self.missing + sum(self.lost.values())

    @property
    def closes(self) -> bool:
        """Whether every record is accounted for."""
        return self.missing == 0


def days(traces: Iterable[Trace], losses: Mapping[tuple[int, str], SequenceSet]) -> dict[int, Day]:
    """Return the days of one node, by their first second, in order.

    `traces` are its records, in any order; `losses` by epoch and cause.
    """
    found: dict[int, Day] = {}
    by_epoch: dict[int, list[tuple[int, int]]] = {}
    for epoch, seq, at_s in traces:
        by_epoch.setdefault(epoch, []).append((seq, at_s))
    for epoch, records in by_epoch.items():
        records.sort()
        lost_here = [(cause, lost) for (e, cause), lost in losses.items() if e == epoch]
        for _, at_s in records:
            _of(found, at_s).heard += 1
        for (seq, at_s), (next_seq, next_s) in pairwise(records):
            for gone in range(seq + 1, next_seq):
                when_s = at_s + (next_s - at_s) * (gone - seq) // (next_seq - seq)
                day = _of(found, when_s)
                cause = next((cause for cause, lost in lost_here if gone in lost), None)
                if cause is None:
                    day.missing += 1
                else:
                    day.lost[cause] = day.lost.get(cause, 0) + 1
    return dict(sorted(found.items()))


def _of(found: dict[int, Day], at_s: int) -> Day:
    return found.setdefault(at_s // DAY_S * DAY_S, Day())


TARGET_PERCENT = 95.0  # of what a station should report in a year (NVE)


def capture_percent(heard: int, interval_s: int, seconds: int = DAY_S) -> float:
    """Return how much of what a node should report in that time has arrived, in percent, 100 at most."""
    expected = max(1, seconds // interval_s)
    return min(100.0, 100.0 * heard / expected)


def capture_of_days(heard: Mapping[int, int], interval_s: int) -> float | None:
    """Return the same for several days, by the first second of each: those between the first and the last.

    A day of which nothing has arrived counts like any other. None where there are none.
    """
    if not heard:
        return None
    seconds = max(heard) - min(heard) + DAY_S
    return capture_percent(sum(heard.values()), interval_s, seconds)
