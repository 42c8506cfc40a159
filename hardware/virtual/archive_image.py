"""Reads a node's archive of registers out of its files, without a line of the node's own code.

Written from the layout described in firmware/lib/node/archive.py, so that the node's reader and this one can
only agree if both are right.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FOLDER = "archive"


@dataclass(frozen=True, slots=True)
class ArchivedHour:
    """What the registers of `node` showed; by position among the channels of `schema`, in their quantity.

    `time_s` is Unix time where `clock` is 0, else seconds on the node's clock with that id; `mark` tells one
    meter from another.
    """

    node: int
    schema: int
    time_s: int
    clock: int
    mark: bytes | None
    registers: Mapping[int, int]


def read_archive(tree: Mapping[str, bytes]) -> list[ArchivedHour]:
    """All sound entries in the files of an image (path -> content), oldest first."""
    found: list[ArchivedHour] = []
    for path in sorted(tree):
        folder, _, name = path.rpartition("/")
        if folder == FOLDER and len(name) == 8:
            found += _segment(tree[path], int(name, 16))
    return found


def _segment(content: bytes, number: int) -> Iterator[ArchivedHour]:
    count = content[7] if len(content) > 7 else 0
    start = 12 + count
    if (
        content[:4] != b"SNa1"
        or zlib.crc32(content[: start - 4]).to_bytes(4, "little") != content[start - 4 : start]
    ):
        return
    node, schema = struct.unpack_from("<HB", content, 4)
    positions = content[8 : 8 + count]
    values = [0] * count
    time_s, clock, mark = 0, 0, None
    place = start
    while place < len(content):
        size = content[place]
        body, check = content[place + 1 : place + 1 + size], content[place + 1 + size : place + 3 + size]
        whole = number.to_bytes(4, "little") + place.to_bytes(2, "little") + body
        if len(body) < size or (zlib.crc32(whole) & 0xFFFF).to_bytes(2, "little") != check:
            return
        numbers = _Numbers(body)
        flags = numbers.next()
        if flags & 1:
            clock, time_s = struct.unpack("<BI", numbers.bytes(5))
        else:
            time_s += numbers.next()
        if flags & 2:
            mark = numbers.bytes(4)
        registers = {}
        for i in range(count):
            if flags >> 2 + i & 1:
                z = numbers.next()
                values[i] += z // 2 if z % 2 == 0 else -(z + 1) // 2
                registers[positions[i]] = values[i]
        yield ArchivedHour(node, schema, time_s, clock, mark, registers)
        place += 3 + size


class _Numbers:
    """A body, read from its start."""

    def __init__(self, body: bytes) -> None:
        self._left = body

    def bytes(self, size: int) -> bytes:
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def next(self) -> int:
        groups = []
        while True:
            (byte,) = self.bytes(1)
            groups.append(byte & 0x7F)
            if byte < 0x80:
                return sum(group << 7 * i for i, group in enumerate(groups))
