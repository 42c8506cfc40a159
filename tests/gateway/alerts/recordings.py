"""Recorded brooks and a generated storm as records of the demonstration's nodes.

The Trout Creek recording (tests/data/SOURCES.md) has one level, above the grate; the level below is derived.
It is moved on by four years, to when the demonstration's sensors are calibrated.
"""

import csv
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median

from gateway.model import StoredRecord
from tests.gateway.alerts.made import intake, snow

FILE = Path(__file__).parents[2] / "data" / "stream_trout_creek_5min.csv"
FOUR_YEARS_S = 1461 * 86_400
ABOVE_ZERO_CM = 390.0
Level = tuple[int, float]


@cache
def trout_creek(every: int = 2) -> tuple[Level, ...]:
    """(UTC seconds, level in mm) of every second reading, which is the profile's interval of 10 min."""
    found = []
    with FILE.open(encoding="ascii") as file:
        for row in csv.reader(file):
            if len(row) >= 7 and row[0][:4].isdigit():
                at = datetime.fromisoformat(row[0].replace("/", "-")).replace(tzinfo=UTC)
                level = (ABOVE_ZERO_CM - float(row[6])) * 10
                found.append((int(at.timestamp()) + FOUR_YEARS_S, level))
    return tuple(sorted(found)[::every])


def louder(levels: Sequence[Level], factor: float) -> list[Level]:
    """Return the series with `factor` times the noise: what is left over a running median of two hours."""
    values = [value for _, value in levels]
    smooth = [median(values[max(0, i - 6) : i + 7]) for i in range(len(values))]
    return [(at, s + factor * (v - s)) for (at, v), s in zip(levels, smooth, strict=True)]


def of_intake(
    levels: Sequence[Level], up: Callable[[int, float], float] = lambda _at, level: level
) -> list[StoredRecord]:
    """Return records of node 11; `up` bends the level above the grate."""
    return [
        intake(at, up(at, level), level - 10 - 40 * (level / 1000) ** 2, commit=i)
        for i, (at, level) in enumerate(levels, 1)
    ]


def generated_storm(begin_s: int, seed: int = 1, node: int = 21) -> list[StoredRecord]:
    """A week of a snow ranger every 10 min, generated: an 18 h storm of 35 cm, a shower of 6 cm, settling.

    Noise of 2 cm (99 % within 5 cm), and every 200th reading lost in drifting snow.
    """
    noise = random.Random(seed)
    depth, records = 480.0, []
    for i in range(7 * 144):
        hour = i / 6
        rate = 350 / 18 if 30 <= hour < 48 else 60 / 4 if 120 <= hour < 124 else -depth * 0.0007
        depth += rate / 6
        spike = noise.uniform(-400, 900) if noise.random() < 0.005 else 0.0
        records.append(
            snow(begin_s + 600 * i, depth + noise.gauss(0, 20) + spike, -600, commit=i + 1, node=node)
        )
    return records
