"""A smaller PNG shows the same picture."""

import random
import struct
import zlib

import pytest

from tools.png import smaller, unfiltered

WIDTH, HEIGHT = 40, 30


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(rows: list[bytes], *, kind: int = 2, depth: int = 8, interlaced: int = 0, filters: int = 5) -> bytes:
    """Write a picture as an encoder does that takes the filters in turn. An independent way there."""
    pixel = 3 if kind == 2 else 4
    out, above = b"", bytes(len(rows[0]))
    for y, row in enumerate(rows):
        way = y % filters
        line = bytearray()
        for i, x in enumerate(row):
            a = row[i - pixel] if i >= pixel else 0
            b, c = above[i], above[i - pixel] if i >= pixel else 0
            p = a + b - c
            order = sorted(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))
            line.append((x - (0, a, b, (a + b) // 2, order[0][2])[way]) % 256)
        out += bytes([way]) + bytes(line)
        above = row
    header = struct.pack(">IIBBBBB", len(rows[0]) // pixel, len(rows), depth, kind, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(out, 0))
        + chunk(b"IEND", b"")
    )


def pixels(file: bytes, pixel: int) -> list[bytes]:
    length = struct.unpack(">I", file[33:37])[0]
    raw = zlib.decompress(file[41 : 41 + length])
    return unfiltered(raw, WIDTH * pixel, HEIGHT, pixel)


@pytest.mark.parametrize(("kind", "pixel"), [(2, 3), (6, 4)])
def test_the_same_picture_from_every_filter(kind: int, pixel: int) -> None:
    dice = random.Random(7)
    rows = [bytes(dice.choice((0, 7, 200)) for _ in range(WIDTH * pixel)) for _ in range(HEIGHT)]
    file = png(rows, kind=kind)
    less = smaller(file)
    assert len(less) < len(file)
    assert pixels(less, pixel) == rows
    assert smaller(less) == less


@pytest.mark.parametrize("more", [{"depth": 16}, {"kind": 3}, {"interlaced": 1}])
def test_other_kinds_are_refused(more: dict[str, int]) -> None:
    rows = [bytes(WIDTH * 4)] * HEIGHT
    with pytest.raises(ValueError, match="only 8-bit"):
        smaller(png(rows, **{"kind": 6, **more}))


def test_what_is_no_png() -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        smaller(b"GIF89a")
    with pytest.raises(ValueError, match="filter 9"):
        unfiltered(b"\x09" + bytes(3), 3, 1, 3)
