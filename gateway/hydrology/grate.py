"""The head loss of a clean grate, and how far the measured one is above it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.hydrology.rating import Rating

SPREAD_MIN = 1e-12  # of Q²: with less, the slope would be rounding alone


@dataclass(frozen=True, slots=True)
class CleanGrate:
    """Expected difference in level across a clean grate: dh = offset + k Q².

    A grate is a local loss, dh = zeta v²/2g, and v = Q/A at a given section, so it grows with the square of
    the discharge. Source: Kirschmer (1926), as in any hydraulics textbook under "trash rack losses".
    The discharge comes from the level *below* the grate, which a clogged grate does not raise.
    `rating` None: no curve is known and 0 is expected, so the alarm's margin has to hold the clean loss.
    """

    rating: Rating | None = None
    k: float = 0.0
    offset_mm: float = 0.0

    def expected_mm(self, down_mm: float) -> float:
        if self.rating is None:
            return self.offset_mm
        return self.offset_mm + self.k * self.rating.discharge(down_mm).value ** 2

    def residual_mm(self, up_mm: float, down_mm: float) -> float:
        """Return how far the measured difference is above what a clean grate explains."""
        return up_mm - down_mm - self.expected_mm(down_mm)


def fit_clean(pairs: Sequence[tuple[float, float]], rating: Rating) -> CleanGrate:
    """Return the clean grate's curve from (up, down) levels in mm, measured while it was clean.

    Least squares of dh on Q². Raises ValueError where the discharges do not differ.
    """
    squares = [rating.discharge(down).value ** 2 for _, down in pairs]
    losses = [up - down for up, down in pairs]
    if len(pairs) < 2 or max(squares) - min(squares) <= SPREAD_MIN:
        raise ValueError("levels at two different discharges at least are needed")
    mean_x, mean_y = sum(squares) / len(squares), sum(losses) / len(losses)
    sxx = sum((x - mean_x) ** 2 for x in squares)
    k = sum((x - mean_x) * (y - mean_y) for x, y in zip(squares, losses, strict=True)) / sxx
    k = max(0.0, k)
    return CleanGrate(rating, k, mean_y - k * mean_x)
