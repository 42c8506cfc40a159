"""Bit streams and the Rice code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.bits import RICE_LIMIT, BitWriter, rice_parameter, unzigzag, zigzag
from wire.frame import FrameError
from wire.records import BitReader

fields = st.integers(0, 48).flatmap(lambda width: st.tuples(st.integers(0, (1 << width) - 1), st.just(width)))


def bits_of(z: int, k: int, width: int) -> int:
    ones = z >> k
    return RICE_LIMIT + width if ones >= RICE_LIMIT else ones + 1 + k


@given(st.integers())
def test_zigzag(n: int) -> None:
    assert unzigzag(zigzag(n)) == n
    assert zigzag(n) in (2 * abs(n), 2 * abs(n) - 1)


@given(st.lists(fields))
def test_fields_come_back(written: list[tuple[int, int]]) -> None:
    out = bytearray(b"before")
    writer = BitWriter(out)
    for n, width in written:
        writer.put(n, width)
    writer.close()
    text = "".join(f"{n:0{width}b}" for n, width in written if width)
    assert len(out) == 6 + (len(text) + 7) // 8
    assert "".join(f"{byte:08b}" for byte in out[6:])[: len(text)] == text
    reader = BitReader(bytes(out), 6)
    assert [reader.take(width) for _, width in written] == [n for n, _ in written]
    reader.close()


@given(st.lists(st.integers(0, 1 << 22)), st.integers(0, 14))
def test_rice_codes_come_back(numbers: list[int], k: int) -> None:
    out = bytearray()
    writer = BitWriter(out)
    for z in numbers:
        if not writer.put_rice(z, k):
            writer.put(z, 23)
    writer.close()
    assert len(out) == (sum(bits_of(z, k, 23) for z in numbers) + 7) // 8
    reader = BitReader(bytes(out), 0)
    for z in numbers:
        found = reader.take_rice(k)
        assert (reader.take(23) if found < 0 else found) == z
    reader.close()


@given(
    st.lists(st.integers(0, 30) | st.integers(0, 1000) | st.integers(0, 1 << 24), min_size=1),
    st.integers(10, 40),
)
def test_no_parameter_is_shorter(deltas: list[int], width: int) -> None:
    sizes = [sum(bits_of(z, k, width) for z in deltas) for k in range(15)]
    assert rice_parameter(deltas, width) == sizes.index(min(sizes))


def test_parameter_beyond_a_hump() -> None:
    """Small steps and a few large ones: k = 1 to 3 are longer than k = 0, k = 11 is shorter than all."""
    assert rice_parameter([0, 10_000] * 10, 32) == 11


def test_end_of_the_stream() -> None:
    reader = BitReader(b"\xff\xff", 0)
    with pytest.raises(FrameError, match="too early"):
        reader.take(17)
    with pytest.raises(FrameError, match="too early"):
        BitReader(b"\xff\xff", 0).take_rice(3)
    with pytest.raises(FrameError, match="too early"):
        BitReader(b"\xfe", 0).take_rice(3)
    with pytest.raises(FrameError, match="too early"):
        BitReader(b"", 0).take_rice(0)


@pytest.mark.parametrize(("source", "taken"), [(b"\x80\x00", 1), (b"\x80\x00", 8), (b"\x81", 1)])
def test_something_after_the_end(source: bytes, taken: int) -> None:
    reader = BitReader(source, 0)
    reader.take(taken)
    with pytest.raises(FrameError, match="after its end"):
        reader.close()
