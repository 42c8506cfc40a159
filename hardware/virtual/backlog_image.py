"""Reads a node's backlog out of its flash image, without a line of the node's own code.

Written from the layout described in firmware/lib/node/backlog.py, so that the node's reader and this one
can only agree if both are right.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_NO_VALUE = (1, 2)  # quality codes missing and fault


@dataclass(frozen=True, slots=True)
class FlashRecord:
    """`time_s` is Unix time where `clock` is 0, else seconds on the node's clock with that id."""

    epoch: int
    seq: int
    time_s: int
    clock: int
    values: tuple[int | None, ...]
    quality: tuple[int, ...]


def read_backlog(tree: Mapping[str, bytes], channels: int) -> list[FlashRecord]:
    """All sound records in the files of an image (path -> content), ascending by sequence."""
    found: list[FlashRecord] = []
    epoch = _epoch(tree.get("log/epoch", b""))
    for path in sorted(tree):
        folder, _, name = path.rpartition("/")
        if folder == "log" and len(name) == 8 and epoch is not None:
            found += _segment(tree[path], epoch, int(name, 16), channels)
    return found


def _epoch(content: bytes) -> int | None:
    if len(content) != 8 or zlib.crc32(content[:4]) != _u32(content, 4):
        return None
    return _u32(content, 0)


def _u32(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "little")


def _segment(content: bytes, epoch: int, first: int, channels: int) -> Iterator[FlashRecord]:
    if content[:4] != b"SNb1" or zlib.crc32(content[:12]) != _u32(content, 12):
        return
    if (_u32(content, 4), _u32(content, 8)) != (epoch, first):
        return
    rest = content[16:]
    seq = first
    while len(rest) >= 3 and len(rest) >= rest[0] + 3:
        body, check = rest[1 : 1 + rest[0]], rest[1 + rest[0] : 3 + rest[0]]
        if (zlib.crc32(seq.to_bytes(4, "little") + body) & 0xFFFF).to_bytes(2, "little") != check:
            return
        yield _record(epoch, seq, body, channels)
        seq += 1
        rest = rest[3 + rest[0] :]


def _record(epoch: int, seq: int, body: bytes, channels: int) -> FlashRecord:
    rest = body[6:]
    quality = bytes(channels)
    if body[5]:
        size = (channels + 1) // 2
        quality = bytes(byte >> shift & 15 for byte in rest[:size] for shift in (0, 4))[:channels]
        rest = rest[size:]
    numbers = _varints(rest)
    values = tuple(None if code in _NO_VALUE else next(numbers) for code in quality)
    return FlashRecord(epoch, seq, _u32(body, 0), body[4], values, tuple(quality))


def _varints(content: bytes) -> Iterator[int]:
    groups: list[int] = []
    for byte in content:
        groups.append(byte & 0x7F)
        if byte < 0x80:
            z = sum(group << 7 * i for i, group in enumerate(groups))
            yield z // 2 if z % 2 == 0 else -(z + 1) // 2
            groups = []


def acknowledged(rtc_memory: bytes, seq: int) -> bool:
    """Whether a node with this RTC memory (firmware/lib/node/retained.py) takes `seq` for acknowledged."""
    fields = struct.Struct("<HBIHBIIIIIHIqqqI8IBBBiHIq10HH")
    if len(rtc_memory) < fields.size:
        return False
    values = fields.unpack_from(rtc_memory)
    end = fields.size + values[-1]
    if len(rtc_memory) < end + 4 or zlib.crc32(rtc_memory[:end]) != _u32(rtc_memory, end):
        return False
    upto, ranges = values[15], values[16:24]
    spans = zip(ranges[::2], ranges[1::2], strict=True)
    return seq < upto or any(first <= seq <= last for first, last in spans if last)
