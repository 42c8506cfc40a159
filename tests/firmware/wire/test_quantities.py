"""The table of quantities."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import quantities
from wire.quantities import BY_NAME, CLAMPED, OK, QUALITY_NAMES, QUANTITIES, Quantity

rows = pytest.mark.parametrize("q", QUANTITIES.values(), ids=lambda q: str(q.name))
SUFFIXES = {
    "_ua": ("uA", 1),
    "_ma": ("mA", 1),
    "_mv": ("mV", 1),
    "_dv": ("V", 0.1),
    "_mm": ("mm", 1),
    "_um": ("um", 1),
    "_cc": ("Cel", 0.01),
    "_cdeg": ("deg", 0.01),
    "_w": ("W", 1),
    "_var": ("var", 1),
    "_wh": ("W.h", 1),
    "_varh": ("var.h", 1),
    "_permille": ("[ppth]", 1),
    "pulses": ("{pulse}", 1),
}


def test_ids_and_names_are_unique() -> None:
    source = Path(quantities.__file__).read_text()
    assert source.count("    Quantity(") == len(QUANTITIES) == len(BY_NAME)


@rows
def test_row(q: Quantity) -> None:
    assert 0 < q.id <= 0xFFFF
    assert q.lo < q.hi
    assert 0 < q.width <= 40
    assert (q.hi - q.lo).bit_length() == q.width
    assert QUANTITIES[q.id] is BY_NAME[q.name] is q


@rows
def test_the_name_tells_the_unit(q: Quantity) -> None:
    suffix = max((s for s in SUFFIXES if q.name.endswith(s)), key=len)
    assert (q.unit, q.scale) == SUFFIXES[suffix]


@rows
@given(data=st.data())
def test_fit(q: Quantity, data: st.DataObject) -> None:
    value = data.draw(st.integers(q.lo - 10, q.hi + 10) | st.integers())
    fitted, code = q.fit(value)
    assert q.lo <= fitted <= q.hi
    assert (code == OK) == (fitted == value)
    assert code in (OK, CLAMPED)


def test_every_quality_has_its_name() -> None:
    names = vars(quantities).items()
    codes = {name: code for name, code in names if name.isupper() and isinstance(code, int)}
    assert sorted(codes.values()) == list(range(len(QUALITY_NAMES)))
    assert QUALITY_NAMES[codes["AT_HIGH"]] == "at or beyond high limit"
    assert QUALITY_NAMES[codes["ESTIMATED"]] == "estimated"


def test_a_node_keeps_only_its_own(micropython: Callable[..., str]) -> None:
    script = """
from wire.quantities import BY_NAME, QUANTITIES, keep_only
keep_only((3, 1))
print(sorted(QUANTITIES), len(BY_NAME))
"""
    assert micropython(script).strip() == "[1, 3] 0"
