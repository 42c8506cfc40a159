"""Sets of record sequences as intervals. Pure.

Nearly all sequences of an epoch arrive, so the set is short however many records it speaks of: one
structure gives deduplication, acknowledgements, gaps and the ledger, and can be kept for ever.

Laws: intervals ascend, do not touch, and hold every sequence that was added and not removed since.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice

from gateway.model import Span

ACK_RANGES = 4
GAPS_MAX = 12
GAP_NEAR = 4  # so few records between two gaps cost less when sent again than a frame for each gap


class SequenceSet:
    """A set of non-negative integers, kept as disjoint inclusive intervals."""

    __slots__ = ("_changed", "_firsts", "_lasts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._changed: dict[int, int | None] = {}
        for first, last in spans:
            self.add(first, last)
        self._changed.clear()

    def __contains__(self, sequence: int) -> bool:
        i = bisect_left(self._lasts, sequence)
        return i < len(self._firsts) and self._firsts[i] <= sequence

    def __iter__(self) -> Iterator[Span]:
        """The intervals, ascending."""
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __len__(self) -> int:
        """How many sequences the set holds."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def add(self, first: int, last: int) -> None:
        """Add `first`..`last`. ValueError where that is not an interval of non-negative integers."""
        if not 0 <= first <= last:
            raise ValueError(f"no interval of sequences: {first}..{last}")
        lasts = self._lasts
        if lasts and lasts[-1] + 1 == first:  # in order: by far the most common case
            lasts[-1] = last
            self._changed[self._firsts[-1]] = last
            return
        i = bisect_left(lasts, first - 1)
        j = bisect_right(self._firsts, last + 1)
        if i < j:
            if self._firsts[i] <= first and last <= lasts[i]:
                return
            first, last = min(first, self._firsts[i]), max(last, lasts[j - 1])
        self._replace(i, j, [(first, last)])

    def remove(self, first: int, last: int) -> None:
        """Take `first`..`last` out, as far as they are in."""
        i = bisect_left(self._lasts, first)
        j = bisect_right(self._firsts, last)
        if i >= j:
            return
        rest = []
        if self._firsts[i] < first:
            rest.append((self._firsts[i], first - 1))
        if self._lasts[j - 1] > last:
            rest.append((last + 1, self._lasts[j - 1]))
        self._replace(i, j, rest)

    def _replace(self, i: int, j: int, spans: list[Span]) -> None:
        for first in self._firsts[i:j]:
            self._changed[first] = None
        for first, last in spans:
            self._changed[first] = last
        self._firsts[i:j] = [first for first, _ in spans]
        self._lasts[i:j] = [last for _, last in spans]

    def take_changes(self) -> dict[int, int | None]:
        """Return {first: last, or None where this interval is gone} since the last call."""
        changed, self._changed = self._changed, {}
        return changed

    @property
    def upto(self) -> int:
        """The lowest sequence that is not in the set: all below it are."""
        return self._lasts[0] + 1 if self._firsts and self._firsts[0] == 0 else 0

    def gaps(self, first: int, last: int) -> list[Span]:
        """Return the intervals of `first`..`last` that are not in the set, ascending."""
        found = []
        for i in range(bisect_left(self._lasts, first), bisect_right(self._firsts, last)):
            if first < self._firsts[i]:
                found.append((first, self._firsts[i] - 1))
            first = self._lasts[i] + 1
        if first <= last:
            found.append((first, last))
        return found

    def missing(self, most: int = GAPS_MAX, near: int = GAP_NEAR) -> list[Span]:
        """Return the newest `most` gaps below the highest sequence, ascending; near ones count as one.

        None where an ACK's ranges tell all there is to know.
        """
        count = len(self._firsts)
        if count - (1 if self.upto else 0) <= ACK_RANGES:
            return []
        found: list[Span] = []
        for i in range(count - 1, -1, -1):
            first, last = self._lasts[i - 1] + 1 if i else 0, self._firsts[i] - 1
            if last < first:
                break
            if found and found[-1][0] - last - 1 <= near:
                found[-1] = first, found[-1][1]
            elif len(found) == most:
                break
            else:
                found.append((first, last))
        return found[::-1]

    @property
    def highest(self) -> int:
        """The highest sequence in the set, -1 where it is empty."""
        return self._lasts[-1] if self._lasts else -1

    def recent(self, touched: Iterable[int] = (), most: int = ACK_RANGES) -> list[Span]:
        """Return at most `most` intervals above `upto`, ascending, for an ACK.

        Those that hold a sequence of `touched` come before others, so that a node that fills an old gap
        hears of it; among equals the newest win.
        """
        start = 1 if self.upto else 0
        count = len(self._firsts)
        if count - start <= most:
            chosen = list(range(start, count))
        else:
            hit = {bisect_left(self._lasts, sequence) for sequence in touched}
            newest_first = range(count - 1, start - 1, -1)
            chosen = [i for i in newest_first if i in hit][:most]
            chosen += islice((i for i in newest_first if i not in hit), most - len(chosen))
            chosen.sort()
        return [(self._firsts[i], self._lasts[i]) for i in chosen]
