"""The last day of one value in little memory, however often it is measured. Pure.

Time is cut into buckets; of each the first, the lowest, the highest and the last point stay. So a peak is
never averaged away, a record that arrives late finds its place, and a record that comes twice changes
nothing. Buckets start one second wide and double as the span grows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

BUCKETS = 360


class Point(NamedTuple):
    """One value, in the integer unit of its key, at a time in UTC seconds."""

    at_s: int
    value: float


@dataclass(slots=True)
class _Bucket:
    first: Point
    low: Point
    high: Point
    last: Point

    def add(self, point: Point) -> None:
        if point.at_s < self.first.at_s:
            self.first = point
        if point.at_s > self.last.at_s:
            self.last = point
        if point.value < self.low.value:
            self.low = point
        if point.value > self.high.value:
            self.high = point

    def points(self) -> Iterator[Point]:
        """The points that stay, in order of time, each once."""
        yield from sorted({self.first, self.low, self.high, self.last})


class Window:
    """Points of the newest `span_s` seconds."""

    def __init__(self, span_s: int = 86_400) -> None:
        self._span_s = span_s
        self._width_s = 1
        self._buckets: dict[int, _Bucket] = {}
        self._newest_s: int | None = None

    def __len__(self) -> int:
        return len(self._buckets)

    def add(self, point: Point) -> None:
        """Take `point` in; what is then older than the span falls out."""
        if self._newest_s is None or point.at_s > self._newest_s:
            self._newest_s = point.at_s
        if point.at_s <= self._newest_s - self._span_s:
            return
        self._put(point)
        if len(self._buckets) > BUCKETS:
            self._forget_old()
        while len(self._buckets) > BUCKETS:
            self._widen()

    def points(self) -> list[Point]:
        """What is kept, in order of time."""
        oldest = (self._newest_s or 0) - self._span_s
        kept = (point for index in sorted(self._buckets) for point in self._buckets[index].points())
        return [point for point in kept if point.at_s > oldest]

    def _put(self, point: Point) -> None:
        index = point.at_s // self._width_s
        bucket = self._buckets.get(index)
        if bucket is None:
            self._buckets[index] = _Bucket(point, point, point, point)
        else:
            bucket.add(point)

    def _forget_old(self) -> None:
        oldest = ((self._newest_s or 0) - self._span_s) // self._width_s
        self._buckets = {index: b for index, b in self._buckets.items() if index >= oldest}

    def _widen(self) -> None:
        points = self.points()
        self._width_s *= 2
        self._buckets = {}
        for point in points:
            self._put(point)
