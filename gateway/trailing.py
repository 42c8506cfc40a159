"""A window of the newest readings of one series, and statistics that never look ahead. Pure."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from statistics import median


class Trailing:
    """Readings (UTC seconds, value) of the last `span_s`, ascending; late ones find their place."""

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s
        self._items: list[tuple[float, float]] = []

    def add(self, at_s: float, value: float) -> None:
        """Add one reading and forget what is older than `span_s` before the newest."""
        items = self._items
        if not items or at_s > items[-1][0]:
            items.append((at_s, value))
        else:
            insort(items, (at_s, value))
        stale = bisect_left(items, (items[-1][0] - self.span_s, float("-inf")))
        if stale:
            del items[:stale]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter(self._items)

    @property
    def first_s(self) -> float | None:
        return self._items[0][0] if self._items else None

    @property
    def last_s(self) -> float | None:
        return self._items[-1][0] if self._items else None

    def between(self, after_s: float, upto_s: float) -> list[float]:
        """Return the values of after_s < t <= upto_s."""
        start = bisect_right(self._items, (after_s, float("inf")))
        end = bisect_right(self._items, (upto_s, float("inf")))
        return [value for _, value in self._items[start:end]]

    def median(self, at_s: float, width_s: float) -> float | None:
        """Return the median of the readings in the `width_s` up to `at_s`; None where there is none."""
        values = self.between(at_s - width_s, at_s)
        return median(values) if values else None
