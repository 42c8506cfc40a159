"""Recorded series, as files under tests/data hold them, and what is derived from them.

Sources and licences: tests/data/SOURCES.md. A series that its loader calls derived was not measured.
"""

import bisect
import csv
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

Recording: TypeAlias = "dict[str, Series]"

# Trout Creek: from the ranger to the zero of the level. Chosen just under the recording's lowest water.
RANGER_ABOVE_ZERO_CM = 390.0


@dataclass(frozen=True, slots=True)
class Series:
    """Values at Unix times in seconds, rising; between them a straight line, outside the nearest one."""

    times_s: Sequence[float]
    values: Sequence[float]

    def at(self, time_s: float) -> float:
        after = bisect.bisect_right(self.times_s, time_s)
        if after == 0:
            return self.values[0]
        if after == len(self.times_s):
            return self.values[-1]
        t0, t1 = self.times_s[after - 1], self.times_s[after]
        v0, v1 = self.values[after - 1], self.values[after]
        return v0 + (v1 - v0) * (time_s - t0) / (t1 - t0)


def steady(value: float) -> Series:
    """The same value for ever."""
    return Series((0.0,), (value,))


def trout_creek(path: Path) -> Recording:
    """A brook in summer, 5 min apart, from a ranger above the water.

    range_cm, battery_v, board_c  as recorded
    up_level_mm                   level over a fixed zero: constant - range, running median of five readings
    down_level_mm                 derived: the level 5 min before, less a head loss that grows with its square
    water_c                       derived: 40 % of the day's mean board temperature
    """
    times: list[float] = []
    battery: list[float] = []
    board: list[float] = []
    ranges: list[float] = []
    with path.open(encoding="ascii") as file:
        for row in csv.reader(file):
            if len(row) < 7 or not row[0][:4].isdigit():
                continue  # the logger's own header
            moment = datetime.strptime(row[0], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
            celsius = float(row[3])
            times.append(moment.timestamp())
            board.append(celsius if math.isfinite(celsius) else board[-1])  # the logger wrote nan
            battery.append(float(row[5]))
            ranges.append(float(row[6]))
    level = [(RANGER_ABOVE_ZERO_CM - r) * 10 for r in _running_median(ranges, 5)]
    return {
        "range_cm": Series(times, ranges),
        "battery_v": Series(times, battery),
        "board_c": Series(times, board),
        "up_level_mm": Series(times, level),
        "down_level_mm": Series(times, _below_the_grate(level)),
        "water_c": Series(times, [0.4 * mean for mean in _running_mean(board, 288)]),
    }


def cambridge_energy(path: Path) -> Recording:
    """A building's two years, hour by hour. Missing hours, which the source stores as 0, are left out.

    outdoor_c, power_w, gas_w     means of the hour (kWh as W)
    import_wh, gas_wh             derived: registers that count from the recording's start
    """
    hours: list[float] = []
    columns: dict[str, list[float]] = {"outdoor_c": [], "power_w": [], "gas_w": []}
    with path.open(encoding="ascii", newline="") as file:
        for row in csv.DictReader(file):
            power, gas = row["electricity_kWh"], row["gas_kWh"]
            if not row["outdoor_temp_degC"] or not power or not gas or float(power) == 0:
                continue
            hours.append(datetime.fromisoformat(row["datetime_utc"]).replace(tzinfo=UTC).timestamp())
            columns["outdoor_c"].append(float(row["outdoor_temp_degC"]))
            columns["power_w"].append(float(power) * 1000)
            columns["gas_w"].append(float(gas) * 1000)
    recording = {name: Series(hours, values) for name, values in columns.items()}
    recording["import_wh"] = Series(hours, _register(hours, columns["power_w"]))
    recording["gas_wh"] = Series(hours, _register(hours, columns["gas_w"]))
    return recording


def _running_median(values: Sequence[float], width: int) -> list[float]:
    half = width // 2
    return [statistics.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]


def _running_mean(values: Sequence[float], width: int) -> list[float]:
    sums = [0.0, *accumulate(values)]
    half = width // 2
    bounds = [(max(0, i - half), min(len(values), i + half + 1)) for i in range(len(values))]
    return [(sums[end] - sums[start]) / (end - start) for start, end in bounds]


def _below_the_grate(level_mm: Sequence[float]) -> list[float]:
    before = [level_mm[0], *level_mm[:-1]]
    return [min(now, then) - 10 - 40 * (now / 1000) ** 2 for now, then in zip(level_mm, before, strict=True)]


def _register(times_s: Sequence[float], watts: Sequence[float]) -> list[float]:
    steps = [
        w * (end - start) / 3600 for start, end, w in zip(times_s[:-1], times_s[1:], watts[:-1], strict=True)
    ]
    return [0.0, *accumulate(steps)]
