"""The world around the boards: it plays recordings, faster than real if asked, and logs who sampled it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TypeAlias

from hardware.virtual.chips.chip import Quantity, Witness
from hardware.virtual.clock import Clock
from hardware.virtual.recordings import Series

Bend: TypeAlias = Callable[[float, float], float]
"""(world time in Unix seconds, recorded value) -> value."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """A chip of a node took a sample at `utc_ms` (real time) and hands out `raw`."""

    utc_ms: int
    node: int
    chip: str
    channel: str
    raw: int


class World:
    """World time starts at `start_s` (Unix seconds of the recordings) and runs `speed` times real time.

    Only the world's values run faster: every sampling is stamped with real time.
    """

    def __init__(
        self,
        series: Mapping[str, Series],
        clock: Clock,
        start_s: float | None = None,
        speed: float = 1.0,
        log_file: Path | None = None,
    ) -> None:
        self._series = dict(series)
        self._clock = clock
        self.speed = speed
        self._start_s = min(s.times_s[0] for s in series.values()) if start_s is None else start_s
        self._origin_ms = clock.utc_ms()
        self._bends: dict[str, Bend] = {}
        self._log_file: IO[str] | None = log_file.open("a", buffering=1) if log_file else None
        self.samplings: list[Sampling] = []

    @property
    def names(self) -> list[str]:
        return sorted(self._series)

    def time_s(self, utc_ms: int | None = None) -> float:
        """World time now, or at a moment of real time."""
        moment_ms = self._clock.utc_ms() if utc_ms is None else utc_ms
        return self._start_s + (moment_ms - self._origin_ms) / 1000 * self.speed

    def value(self, name: str, utc_ms: int | None = None) -> float:
        """A series' value now, or at a moment of real time; bends apply."""
        time_s = self.time_s(utc_ms)
        recorded = self._series[name].at(time_s)
        bend = self._bends.get(name)
        return bend(time_s, recorded) if bend else recorded

    def quantity(self, name: str) -> Quantity:
        """The series as a chip's input."""
        if name not in self._series:
            raise KeyError(f"the world has no {name}: it has {', '.join(sorted(self._series))}")
        return lambda: self.value(name)

    def bend(self, name: str, bend: Bend | None) -> None:
        """Changes what a series says from now on, as a clogged grate would; None takes the bend away."""
        if bend is None:
            self._bends.pop(name, None)
        else:
            self._bends[name] = bend

    def witness(self, node: int, chip: str) -> Witness:
        """For a chip's `witness`: each of its samples goes to the log."""

        def note(channel: str, raw: int, utc_ms: int) -> None:
            sampling = Sampling(utc_ms, node, chip, channel, raw)
            self.samplings.append(sampling)
            if self._log_file:
                self._log_file.write(json.dumps(asdict(sampling)) + "\n")

        return note

    def samplings_of(self, node: int, chip: str | None = None) -> list[Sampling]:
        return [s for s in self.samplings if s.node == node and chip in (None, s.chip)]

    def close(self) -> None:
        if self._log_file:
            self._log_file.close()
