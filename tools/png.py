"""PNG files made smaller without losing anything: pictures of a page compress best unfiltered.

Source of the format: W3C, Portable Network Graphics (PNG) Specification, third edition.
"""

import struct
import zlib

_MAGIC = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}  # colour type -> bytes of a pixel, at 8 bits a channel


def smaller(png: bytes) -> bytes:
    """Return the same picture in fewer bytes, or `png` itself where that fails to gain.

    Raises ValueError for what is no 8-bit RGB or RGBA picture without interlacing.
    """
    header, packed = _chunks(png)
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth != 8 or kind not in _CHANNELS or interlaced:
        raise ValueError("only 8-bit RGB and RGBA pictures without interlacing")
    rows = unfiltered(zlib.decompress(packed), width * _CHANNELS[kind], height, _CHANNELS[kind])
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    found = _MAGIC + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    return found if len(found) < len(png) else png


def unfiltered(raw: bytes, stride: int, height: int, pixel: int) -> list[bytes]:
    """Undo the filter of each row; `stride` and `pixel` are the bytes of a row and of a pixel."""
    rows: list[bytes] = []
    above = bytes(stride)
    for y in range(height):
        start = y * (stride + 1)
        row = bytearray(raw[start + 1 : start + 1 + stride])
        match raw[start]:
            case 0:
                pass
            case 1:
                for i in range(pixel, stride):
                    row[i] = row[i] + row[i - pixel] & 255
            case 2:
                row = bytearray(x + b & 255 for x, b in zip(row, above, strict=True))
            case 3:
                for i in range(stride):
                    left = row[i - pixel] if i >= pixel else 0
                    row[i] = row[i] + (left + above[i]) // 2 & 255
            case 4:
                for i in range(stride):
                    left, corner = (row[i - pixel], above[i - pixel]) if i >= pixel else (0, 0)
                    row[i] = row[i] + _paeth(left, above[i], corner) & 255
            case other:
                raise ValueError(f"row {y} has filter {other}")
        above = bytes(row)
        rows.append(above)
    return rows


def _paeth(left: int, up: int, corner: int) -> int:
    """Return the neighbour nearest to left + up - corner."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda near: abs(guess - near))


def _chunks(png: bytes) -> tuple[bytes, bytes]:
    """Return the header and the compressed rows."""
    if png[:8] != _MAGIC:
        raise ValueError("not a PNG file")
    header, packed, at = b"", b"", len(_MAGIC)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed += content
        at += 12 + length
    return header, packed


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
