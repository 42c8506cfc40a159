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
    record = FlashRecord(epoch, first - 1, 0, 0, (None,) * channels, (0,) * channels)
    while len(rest) >= 3 and len(rest) >= rest[0] % 128 + 3:
        size = rest[0] % 128
        body, check = rest[1 : 1 + size], rest[1 + size : 3 + size]
        seq = record.seq + 1
        if (zlib.crc32(seq.to_bytes(4, "little") + body) & 0xFFFF).to_bytes(2, "little") != check:
            return
        record = _next(record, body) if rest[0] >= 128 else _whole(epoch, seq, body, channels)
        yield record
        rest = rest[3 + size :]


def _whole(epoch: int, seq: int, body: bytes, channels: int) -> FlashRecord:
    quality, rest = _codes(body[6:], channels) if body[5] else ((0,) * channels, body[6:])
    numbers = _varints(rest)
    values = tuple(None if code in _NO_VALUE else _signed(next(numbers)) for code in quality)
    return FlashRecord(epoch, seq, _u32(body, 0), body[4], values, quality)


def _next(before: FlashRecord, body: bytes) -> FlashRecord:
    """The record that goes on from the one before."""
    end = next(i for i, byte in enumerate(body) if byte < 128) + 1
    (passed,) = _varints(body[:end])
    quality, rest = before.quality, body[end:]
    if passed % 2:
        quality, rest = _codes(rest, len(quality))
    numbers = _varints(rest)
    values = tuple(
        None if code in _NO_VALUE else (old or 0) + _signed(next(numbers))
        for code, old in zip(quality, before.values, strict=True)
    )
    return FlashRecord(
        before.epoch, before.seq + 1, before.time_s + passed // 2, before.clock, values, quality
    )


def _codes(content: bytes, channels: int) -> tuple[tuple[int, ...], bytes]:
    size = (channels + 1) // 2
    codes = [byte >> shift & 15 for byte in content[:size] for shift in (0, 4)]
    return tuple(codes[:channels]), content[size:]


def _varints(content: bytes) -> Iterator[int]:
    groups: list[int] = []
    for byte in content:
        groups.append(byte & 0x7F)
        if byte < 0x80:
            yield sum(group << 7 * i for i, group in enumerate(groups))
            groups = []


def _signed(z: int) -> int:
    return z // 2 if z % 2 == 0 else -(z + 1) // 2


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
