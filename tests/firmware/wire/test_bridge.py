"""The bridge's cable: whatever is on it, what was said is understood once, and nothing else is."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firmware.interpreter import evaluate_on_both
from wire.bridge import (
    COUNTS,
    HEARD,
    HEARD_BODY,
    LONGEST,
    OUTCOMES,
    SEND,
    SEND_BODY,
    SENDABLE,
    STATE_BODY,
    TAKES,
    Lines,
    line,
    split,
)

MESSAGES = st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=280))
JUNK = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"", b"rst:0x1\r\n", b">>> ", b"~", b"\n\n~AAAA\n"])
)


def fed(content: bytes, sizes: list[int]) -> tuple[list[tuple[int, int, bytes]], Lines]:
    """Take `content` apart in pieces of these sizes, over and over."""
    lines, found, at, i = Lines(), [], 0, 0
    while at < len(content):
        size = sizes[i % len(sizes)]
        found += lines.feed(content[at : at + size])
        at, i = at + size, i + 1
    return found, lines


@given(st.lists(st.tuples(JUNK, MESSAGES), max_size=6), st.lists(st.integers(1, 50), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_what_was_said_is_understood_whatever_stands_between(
    spoken: list[tuple[bytes, tuple[int, int, bytes]]], sizes: list[int]
) -> None:
    content = b"".join(junk + line(*message) for junk, message in spoken)
    found, _ = fed(content, sizes)
    assert found == [message for _, message in spoken]


@given(
    st.lists(MESSAGES, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=8),
    st.integers(0, 10_000),
)
@settings(max_examples=150, deadline=None)
def test_damage_makes_nothing_up(
    spoken: list[tuple[int, int, bytes]], flips: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(b"".join(line(*message) for message in spoken))
    for at, mask in flips:
        content[at % len(content)] ^= mask
    del content[cut % len(content) : cut % len(content) + 3]
    found, _ = fed(bytes(content), [7])
    rest = iter(spoken)
    assert all(message in rest for message in found), "in order, and only what was said"


def take_apart(streams: list[list[str]]) -> list[list[list[object]]]:
    from wire.bridge import TAKES, Lines

    results = []
    for pieces in streams:
        lines = Lines(TAKES)
        results.append(
            [
                [kind, number, "".join(["%02x" % byte for byte in body])]
                for piece in pieces
                for kind, number, body in lines.feed(
                    bytes([int(piece[i : i + 2], 16) for i in range(0, len(piece), 2)])
                )
            ]
        )
    return results


@given(
    st.lists(
        st.one_of(st.binary(max_size=80), MESSAGES.map(lambda m: line(m[0], m[1], m[2][:160]))), max_size=40
    )
)
@settings(max_examples=6, deadline=None)
def test_both_interpreters_understand_the_same(pieces: list[bytes]) -> None:
    evaluate_on_both(take_apart, [[piece.hex() for piece in pieces]] * 2)


def test_a_line_without_an_end_takes_no_memory() -> None:
    lines = Lines()
    for _ in range(10_000):
        assert lines.feed(b"x" * 97) == []
        assert len(lines._rest) <= LONGEST
    assert lines.feed(line(1, 2)) == [(1, 2, b"")]
    assert lines.garbled == 1


def test_what_is_counted() -> None:
    lines = Lines()
    good = line(3, 4, b"body")
    assert lines.feed(b"boot: 1\r\n" + good.replace(b"~", b"~A") + b"~\n" + good) == [(3, 4, b"body")]
    assert (lines.others, lines.garbled, lines.last_other) == (1, 2, b"boot: 1")


def test_sizes_hold() -> None:
    assert len(line(SEND, 0, bytes(struct.calcsize(SEND_BODY) + SENDABLE))) <= TAKES
    assert len(line(HEARD, 0, bytes(struct.calcsize(HEARD_BODY) + 255))) <= LONGEST
    assert b"\x03" not in b"".join(line(kind, kind, bytes(range(256))) for kind in range(256))
    assert len(struct.unpack(STATE_BODY, bytes(struct.calcsize(STATE_BODY)))) == 3 + len(COUNTS)
    assert len(set(OUTCOMES)) == len(OUTCOMES)
    assert split("<BH", b"\1\2\0rest") == ((1, 2), b"rest")
    with pytest.raises(ValueError, match="too short"):
        split("<BH", b"\1\2")
