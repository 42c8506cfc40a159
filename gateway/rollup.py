"""Hours and days of a node's readings: how many, their sum, the lowest and the highest. Pure.

Only values of good quality count. An hour is UTC's; a day is the site's, so that it has 23 or 25 hours where
the clocks change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.model import Reading
from wire.quantities import FROZEN, OK

HOUR_S = 3600
_GOOD = (OK, FROZEN)


@dataclass(frozen=True, slots=True)
class Rollup:
    """`count` values; the others are in the integer unit of the reading's quantity."""

    count: int
    sum: int
    lowest: int
    highest: int

    @property
    def mean(self) -> float:
        return self.sum / self.count

    def with_(self, other: "Rollup") -> "Rollup":
        """Return the rollup of both together."""
        return Rollup(
            self.count + other.count,
            self.sum + other.sum,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
        )


Rollups = Mapping[str, Rollup]  # by the reading's key


def of_readings(readings: Iterable[Reading]) -> dict[str, Rollup]:
    """Return what readings of one stretch of time come to."""
    values: dict[str, list[int]] = {}
    for reading in readings:
        if reading.value is not None and reading.quality in _GOOD:
            values.setdefault(reading.key, []).append(reading.value)
    return {key: Rollup(len(v), sum(v), min(v), max(v)) for key, v in values.items()}


def together(parts: Iterable[Rollups]) -> dict[str, Rollup]:
    """Return what several stretches of time come to."""
    found: dict[str, Rollup] = {}
    for part in parts:
        for key, rollup in part.items():
            found[key] = found[key].with_(rollup) if key in found else rollup
    return found


def difference(before: Rollups, after: Rollups) -> dict[str, tuple[int, int]]:
    """Return for each key that has changed what came to its count and to its sum."""
    nothing = Rollup(0, 0, 0, 0)
    return {
        key: (new.count - old.count, new.sum - old.sum)
        for key in before.keys() | after.keys()
        if (old := before.get(key, nothing)) != (new := after.get(key, nothing))
    }


def day_of(moment_s: int, timezone: ZoneInfo) -> tuple[int, int]:
    """Return when the local day of `moment_s` begins and when it ends (UTC seconds, the end excluded)."""
    local = datetime.fromtimestamp(moment_s, UTC).astimezone(timezone)
    begins = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    ends = (begins + timedelta(days=1)).replace(fold=0)
    return int(begins.timestamp()), int(ends.timestamp())
