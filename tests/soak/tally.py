"""What a soak is given: seeds, the time it has, and where it says what happened.

A soak is a module in this folder with `def run(tally: Tally) -> None`; its file's name is the soak's name.
"""

import random
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and the seed that brings it about once more."""

    seed: int
    text: str


@dataclass(slots=True)
class Tally:
    """`facts` are further figures for the report. `minutes` None: the soak's own full length.

    `folder` is where a soak puts what there is to look at besides its figures.
    """

    minutes: float | None = None
    first_seed: int = field(default_factory=lambda: random.SystemRandom().randrange(1 << 31))
    tell: Callable[[str], None] = print
    runs: int = 0
    failures: list[Failure] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    _begun: float = field(default_factory=time.monotonic)

    def rounds(self, full: int) -> Iterator[int]:
        """Yield a seed for each round: `full` of them, or as many as the time allows, one at least."""
        number = 0
        while number < full if self.minutes is None else number == 0 or self.minutes_left > 0:
            yield self.first_seed + number
            number += 1

    @property
    def minutes_left(self) -> float:
        """Of those asked for."""
        return float("inf") if self.minutes is None else self.minutes - (time.monotonic() - self._begun) / 60

    @contextmanager
    def run(self, seed: int) -> Iterator[None]:
        """One run with that seed. Whatever it raises is a failure, and the soak goes on."""
        self.runs += 1
        self.seeds.append(seed)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - each is told with its seed
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.failures.append(Failure(seed, f"{type(error).__name__}: {error}"))
            self.tell(
                f"FAILED with seed {seed}: {type(error).__name__}: {error} ({where.name}:{where.lineno})"
            )

    def add(self, fact: str, count: int = 1) -> None:
        self.facts[fact] = self.facts.get(fact, 0) + count


def as_json(name: str, tally: Tally) -> Mapping[str, Any]:
    """Return the soak's report."""
    return {
        "soak": name,
        "runs": tally.runs,
        "failures": [{"seed": f.seed, "text": f.text} for f in tally.failures],
        "seeds": tally.seeds,
        **tally.facts,
    }
