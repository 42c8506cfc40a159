"""Columns of integers as bytes that compress well. Pure.

A column is written as its differences (of the first or of the second order, whichever are smaller), made
non-negative by zigzag, all in the narrowest width that holds them, and split into byte planes: the high
bytes of small differences become runs of zeros, which a general compressor takes for next to nothing.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

_TYPECODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_LIMIT = 1 << 64
_SIGNED = bytes((z >> 1 ^ -(z & 1)) & 255 for z in range(256))  # zigzag undone, as bytes with a sign


class Malformed(ValueError):
    """Bytes that no `pack` made."""


def pack(values: Sequence[int]) -> bytes:
    """Return the column `values` (64-bit signed integers) as bytes. OverflowError beyond 64 bits."""
    if not values:
        return b""
    first = [b - a for a, b in pairwise(values)]
    second = [b - a for a, b in pairwise(first)]
    if sum(map(abs, second)) < sum(map(abs, first[1:])):
        order, heads, rest = 2, [values[0], first[0]], second
    else:
        order, heads, rest = 1, [values[0]], first
    zigzag = [2 * d if d >= 0 else -2 * d - 1 for d in rest]
    most = max(zigzag, default=0)
    if most >= _LIMIT:  # differences of 64-bit integers may need 65 bits; the values themselves do not
        order, heads, zigzag = 0, [], [2 * v if v >= 0 else -2 * v - 1 for v in values]
        most = _LIMIT - 1
    width = 0 if most == 0 else next(w for w in _TYPECODES if most >> 8 * w == 0)
    head = b"".join(map(_varint, heads))
    return bytes([order << 4 | width]) + head + (_planes(zigzag, width) if width else b"")


def unpack(packed: bytes, at: int, count: int) -> tuple[list[int], int]:
    """Return the `count` values of the column that begins at `at`, and where the next one begins."""
    if not count:
        return [], at
    try:
        order, width = packed[at] >> 4, packed[at] & 15
        at += 1
        heads = []
        for _ in range(order):
            head, at = _read_varint(packed, at)
            heads.append(head)
        rest = max(0, count - order)
        if width == 0 and order:  # a straight line
            step = heads[1] if order == 2 else 0
            return [heads[0]] * count if step == 0 else [heads[0] + step * i for i in range(count)], at
        planes = packed[at : at + width * rest]
        signed: Sequence[int]
        if width == 0:
            signed = [0] * rest
        elif width == 1:  # by far the most columns
            signed = array("b", planes.translate(_SIGNED))
            if len(signed) != rest:
                raise Malformed(f"a column ends early at byte {at}")
        else:
            signed = [z >> 1 ^ -(z & 1) for z in _from_planes(planes, width, rest)]
    except (IndexError, KeyError, ValueError) as error:
        raise Malformed(f"no column at byte {at}") from error
    at += width * rest
    values: Iterable[int] = signed
    for head in reversed(heads):
        values = accumulate(values, initial=head)
    return list(values)[:count], at


def skip(packed: bytes, at: int, count: int) -> int:
    """Return where the next column begins, without opening the one at `at`."""
    if not count:
        return at
    order, width = packed[at] >> 4, packed[at] & 15
    at += 1
    for _ in range(order):
        while packed[at] > 127:
            at += 1
        at += 1
    return at + width * max(0, count - order)


def _planes(numbers: Sequence[int], width: int) -> bytes:
    whole = array(_TYPECODES[width], numbers)
    if sys.byteorder == "big":
        whole.byteswap()
    raw = whole.tobytes()
    return b"".join(raw[i::width] for i in range(width))


def _from_planes(planes: bytes, width: int, count: int) -> "array[int]":
    raw = bytearray(width * count)
    for i in range(width):
        raw[i::width] = planes[i * count : (i + 1) * count]
    whole = array(_TYPECODES[width])
    whole.frombytes(raw)
    if sys.byteorder == "big":
        whole.byteswap()
    return whole


def _varint(value: int) -> bytes:
    rest = 2 * value if value >= 0 else -2 * value - 1
    found = bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    found.append(rest)
    return bytes(found)


def _read_varint(packed: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = packed[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value >> 1 ^ -(value & 1), at
