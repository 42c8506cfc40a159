"""What a benchmark says: figures, each with what it is held against.

A bench is a module in this folder with `def run() -> list[Figure]`; its file's name is the bench's name.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DIRECTIONS: Mapping[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


class NotMeasured(Exception):
    """A bench came to no figures; the text says why."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit a figure is held to: the figure is to be `direction` (<= or >=) `limit`."""

    direction: str
    limit: float

    def __post_init__(self) -> None:
        if self.direction not in _DIRECTIONS:
            raise ValueError(f"a bar is <= or >=, not {self.direction!r}")

    def __str__(self) -> str:
        return f"{self.direction} {self.limit:g}"

    def held_by(self, value: float) -> bool:
        """Whether `value` is on the right side; what is not a number is on neither."""
        return _DIRECTIONS[self.direction](value, self.limit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `against` says which limit was measured beside it in the same run."""

    name: str
    value: float
    unit: str
    bar: Bar | None = None
    against: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None where there is none."""
        return None if self.bar is None else self.bar.held_by(self.value)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": round(self.value, 6),
            "unit": self.unit,
            "bar": None if self.bar is None else str(self.bar),
            "holds": self.holds,
            "against": self.against,
        }


def at_most(limit: float) -> Bar:
    return Bar("<=", limit)


def at_least(limit: float) -> Bar:
    return Bar(">=", limit)


def all_hold(figures: Sequence[Figure]) -> bool:
    """Whether no bar is broken."""
    return all(figure.holds is not False for figure in figures)


def as_json(name: str, figures: Sequence[Figure]) -> Mapping[str, Any]:
    """Return a bench's report."""
    return {"bench": name, "figures": [figure.as_json() for figure in figures]}
