"""How fast the water rises."""

from gateway.trailing import Trailing

MEDIAN_S = 1800.0
SPAN_S = 3600.0
SPAN_MIN_S = 1800.0


class Rise:
    """The rate of rise in units per hour: between two medians of `median_s`, `span_s` apart.

    A median over 15 to 30 minutes takes waves and the ranger's noise out (median filtering as in
    WMO-No. 1044, Manual on Stream Gauging, vol. I, for stilling by computation); a difference over an hour
    keeps what is left of the noise from being multiplied. While there is less history the difference is
    taken over what there is, from `SPAN_MIN_S` on.
    """

    def __init__(self, median_s: float = MEDIAN_S, span_s: float = SPAN_S) -> None:
        self._median_s, self._span_s = median_s, span_s
        self._window = Trailing(span_s + median_s)

    def add(self, at_s: float, level: float) -> float | None:
        """Take a reading that is newer than all before; return the rate, None while it is unknown."""
        window = self._window
        window.add(at_s, level)
        assert window.first_s is not None
        then_s = max(at_s - self._span_s, window.first_s + self._median_s / 2)
        if at_s - then_s < SPAN_MIN_S:
            return None
        now, then = window.median(at_s, self._median_s), window.median(then_s, self._median_s)
        if now is None or then is None:
            return None
        return (now - then) * 3600.0 / (at_s - then_s)
