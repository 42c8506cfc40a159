"""What a figure says of its bar, and the form the figures are written in."""

import json
import math

import pytest

from tests.bench.figures import Bar, Figure, all_hold, as_json, at_least, at_most


@pytest.mark.parametrize(
    ("bar", "value", "holds"),
    [
        (at_most(38), 38, True),
        (at_most(38), 38.01, False),
        (at_least(0.4), 0.4, True),
        (at_least(0.4), 0.399, False),
        (at_most(1), math.nan, False),
        (at_least(1), math.nan, False),
        (None, 5, None),
    ],
)
def test_a_bar_has_a_direction(bar: Bar | None, value: float, holds: bool | None) -> None:
    assert Figure("size", value, "B", bar).holds is holds


def test_a_bar_has_one_of_two_directions() -> None:
    with pytest.raises(ValueError, match="a bar is"):
        Bar("<", 1)


def test_one_broken_bar_is_enough() -> None:
    free, good, bad = Figure("a", 1, ""), Figure("b", 1, "", at_most(1)), Figure("c", 1, "", at_least(2))
    assert all_hold([free, good])
    assert not all_hold([free, good, bad])


def test_a_benchs_report() -> None:
    size = Figure("size", 36, "B", at_most(38), "JSON 143")
    wanted = {
        "bench": "wire",
        "figures": [
            {"name": "size", "value": 36, "unit": "B", "bar": "<= 38", "holds": True, "against": "JSON 143"}
        ],
    }
    assert json.loads(json.dumps(as_json("wire", [size]))) == wanted
    assert as_json("empty", []) == {"bench": "empty", "figures": []}
