"""Changes of a content: whole, on both runtimes, and refused where they do not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.changes import HEAD_SIZE, parts, put_step
from wire.frame import FrameError

OLD = bytes(range(40))


def told(*steps: tuple[int, int, bytes]) -> bytes:
    out = bytearray(HEAD_SIZE)
    for step in steps:
        put_step(out, *step)
    return bytes(out)


def made(changes: bytes) -> bytes:
    return b"".join(OLD[p[0] : sum(p)] if isinstance(p, tuple) else p for p in parts(changes, len(OLD)))


def test_steps_copy_leave_out_and_put_in() -> None:
    assert made(told()) == OLD
    assert made(told((3, 2, b"xy"), (0, 1, b""), (30, 4, b"end"))) == OLD[:3] + b"xy" + OLD[6:36] + b"end"
    assert made(told((40, 0, b"more"))) == OLD + b"more"


@pytest.mark.parametrize("changes", [told((41, 0, b"")), told((0, 41, b"")), told((3, 0, b"abc"))[:-1]])
def test_what_does_not_fit_is_refused(changes: bytes) -> None:
    with pytest.raises(FrameError):
        made(changes)


@given(st.binary(max_size=60))
def test_no_bytes_break_it(raw: bytes) -> None:
    try:
        assert len(made(bytes(HEAD_SIZE) + raw)) <= len(OLD) + len(raw)
    except FrameError:
        pass
