"""Columns come back as they were, and small differences cost little."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.columns import Malformed, pack, skip, unpack

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.one_of(INT64, st.integers(-200, 200)), max_size=40), st.binary(max_size=5))
def test_what_was_packed_comes_back(values: list[int], after: bytes) -> None:
    packed = pack(values)
    assert unpack(packed + after, 0, len(values)) == (values, len(packed))
    assert skip(packed + after, 0, len(values)) == len(packed)


@given(st.integers(-(2**40), 2**40), st.integers(-1000, 1000), st.integers(3, 500))
def test_a_straight_line_takes_a_few_bytes(start: int, step: int, count: int) -> None:
    assert len(pack([start + step * i for i in range(count)])) <= 12


def test_high_bytes_of_small_differences_are_zeros() -> None:
    noise = random.Random(1)
    packed = pack([noise.randrange(-100, 100) for _ in range(1000)])
    assert sum(packed[-999:]) <= 999  # the second plane


def test_beyond_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        pack([0, 1 << 70])


@pytest.mark.parametrize("broken", [b"", b"\x11", b"\x21\x00", b"\x13\x00" + b"\1" * 40, b"\x14\x00\x01"])
def test_what_is_no_column_is_said_so(broken: bytes) -> None:
    with pytest.raises(Malformed):
        unpack(broken, 0, 9)
