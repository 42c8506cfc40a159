"""Depth increase over some hours, on a despiked series."""

from gateway.trailing import Trailing

MEDIAN_S = 3 * 3600.0
"""Width of the despiking median: hourly readings of a ranger in drifting snow scatter by 5 cm (99 %)."""


class DepthIncrease:
    """How much snow came in the last `hours`: max(0, HS now - min HS in the window), HS a trailing median.

    Source: the height of new snow by difference of automatic snow depths, as in WMO-No. 8 (2021), chapter
    3.5, where no board is cleaned by hand; called "depth increase" since settling is not added back.
    """

    def __init__(self, hours: float, median_s: float = MEDIAN_S) -> None:
        self._median_s = median_s
        self._raw = Trailing(median_s)
        self._smooth = Trailing(hours * 3600.0)

    def add(self, at_s: float, depth_mm: float) -> float:
        """Take a reading that is newer than all before; return the increase in mm."""
        self._raw.add(at_s, depth_mm)
        now = self._raw.median(at_s, self._median_s)
        assert now is not None
        assert self._raw.first_s is not None
        if at_s - self._raw.first_s < self._median_s / 2:
            return 0.0  # after a start or a gap: the median of so few readings is noise
        self._smooth.add(at_s, now)
        return max(0.0, now - min(value for _, value in self._smooth))
