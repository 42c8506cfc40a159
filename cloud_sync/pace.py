"""Which records go next, how many at once and how soon again. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.heard import SequenceSet
from gateway.model import Span


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of the worker. Back-off goes from `base_s` to `most_s`, doubling."""

    poll_s: float = 1.0  # between two looks for new records
    base_s: float = 1.0
    most_s: float = 60.0
    hold_s: float = 60.0  # between two tries while the server refuses us altogether
    slow_s: float = 1.0  # an answer that takes longer makes requests smaller: live records wait behind them

    def backoff_s(self, failures: int, after_s: float | None, jitter: float) -> float:
        """Return the wait after that many failures in a row (from 1). `jitter` is random, 0 to 1.

        Half of the wait is random, so that gateways that lost a server together do not return together;
        the server's own wish (`after_s`) is never undercut.
        """
        delay = min(self.most_s, self.base_s * 2.0 ** min(failures - 1, 30)) * (0.5 + jitter / 2)
        return delay if after_s is None else max(delay, after_s * (1 + jitter / 10))


class BatchSize:
    """How many lines go into one request: `most`, halved on demand, doubled again after twenty good ones."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = most
        self._good = 0

    def halve(self, from_size: int, least: int = 1) -> None:
        """A request of `from_size` lines was too much."""
        self.now = min(self.now, max(least, from_size // 2))
        self._good = 0

    def passed(self) -> None:
        self._good += 1
        if self._good >= 20 and self.now < self.most:
            self.now = min(self.most, self.now * 2)
            self._good = 0


def next_span(settled: SequenceSet, claimed: Iterable[Span], last: int, limit: int) -> Span | None:
    """Return the at most `limit` newest record numbers up to `last` neither settled nor claimed.

    Newest first is also live first: whatever came in since the last request is sent before any backlog.
    """
    free = settled
    for span in claimed:
        if free is settled:
            free = SequenceSet(settled)
        free.add(*span)
    gaps = free.gaps(1, last)
    if not gaps:
        return None
    first, last = gaps[-1]
    return max(first, last - limit + 1), last
