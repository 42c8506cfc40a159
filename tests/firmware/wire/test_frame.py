"""The frame header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.frame import COUNTER_MAX, HEADER_SIZE, JOIN, TAG_SIZE, FrameError, pack_header, parse_header

REST = bytes(TAG_SIZE)
headers = st.tuples(
    st.integers(0, JOIN), st.integers(0, 7), st.integers(0, 0xFFFF), st.integers(0, COUNTER_MAX)
)


@given(headers, st.binary())
def test_header_comes_back(header: tuple[int, int, int, int], body: bytes) -> None:
    packed = pack_header(*header)
    assert len(packed) == HEADER_SIZE
    assert parse_header(packed + body + REST) == header


@given(headers, headers)
def test_different_headers_are_different_bytes(
    one: tuple[int, int, int, int], other: tuple[int, int, int, int]
) -> None:
    assert (pack_header(*one) == pack_header(*other)) == (one == other)


@pytest.mark.parametrize(
    "header",
    [
        (-1, 0, 0, 0),
        (4, 0, 0, 0),
        (0, 8, 0, 0),
        (0, -1, 0, 0),
        (0, 0, 0x10000, 0),
        (0, 0, -1, 0),
        (0, 0, 0, 1 << 24),
    ],
)
def test_fields_that_do_not_fit(header: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="header field out of range: type"):
        pack_header(*header)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_header_or_a_frame_error(frame: bytes) -> None:
    try:
        header = parse_header(frame)
    except FrameError:
        return
    assert pack_header(*header) == frame[:HEADER_SIZE]


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b"", "0 bytes is shorter"),
        (bytes.fromhex("40000b000001") + REST[1:], "13 bytes is shorter"),
        (bytes.fromhex("80000b000001") + REST, "version 2, this side speaks 1"),
        (bytes.fromhex("60000b000001") + REST, "unknown frame type 4"),
    ],
)
def test_errors_say_what_is_wrong(frame: bytes, text: str) -> None:
    with pytest.raises(FrameError, match=text):
        parse_header(frame)
