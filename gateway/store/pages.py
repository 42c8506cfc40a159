"""Reads rows straight from the pages of a database file, where its trees can not be followed any more.

A leaf of a table says by itself what is in it, wherever the page is and whatever has become of the others:
https://www.sqlite.org/fileformat2.html, sections 1.6 (pages), 2.1 (records) and 4 (the log). What has been
deleted may still be found in pages that are free.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PAGE_SIZE = 4096  # SQLite's own choice for a new file
_LEAF = 0x0D  # of a table with row ids
_FILE_HEADER = 100  # bytes at the beginning of page 1
_LOG_HEADER, _FRAME_HEADER = 32, 24
_LOG_MAGIC = (0x377F0682, 0x377F0683)
_PAYLOAD_MOST = 8 << 20  # no row of ours is longer
_COLUMNS_MOST = 64

Value = int | float | str | bytes | None
Row = tuple[Value, ...]


class Pages:
    """The pages of a database and of the log beside it, which has the newer ones. Close it after use."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        log = path.with_name(path.name + "-wal")
        self._log: BinaryIO | None = log.open("rb") if log.exists() else None
        self._newer: dict[int, int] = {}  # page -> where in the log
        self.size = _page_size(self._file.read(_FILE_HEADER))
        if self._log is not None:
            self._index(self._log)
        self._file.seek(0, 2)
        self.count = max(-(-self._file.tell() // self.size), max(self._newer, default=0))

    def close(self) -> None:
        self._file.close()
        if self._log is not None:
            self._log.close()

    def page(self, number: int) -> bytes:
        """Return a page, the first is 1; b"" where there is none."""
        if self._log is not None and number in self._newer:
            self._log.seek(self._newer[number])
            return self._log.read(self.size)
        if number < 1:
            return b""
        self._file.seek((number - 1) * self.size)
        return self._file.read(self.size)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield (row id, columns) of everything that looks like a row of a table, in no order.

        The column that is the row id itself is None in them.
        """
        for number in range(1, self.count + 1):
            page = self.page(number)
            start = _FILE_HEADER if number == 1 else 0
            if len(page) < self.size or page[start] != _LEAF:
                continue
            (cells,) = struct.unpack_from(">H", page, start + 3)
            if start + 8 + 2 * cells > self.size:
                continue
            for (at,) in struct.iter_unpack(">H", page[start + 8 : start + 8 + 2 * cells]):
                try:
                    yield self._cell(page, at)
                except (IndexError, ValueError, struct.error):
                    continue  # no cell, or one that is damaged

    def _cell(self, page: bytes, at: int) -> tuple[int, Row]:
        size, at = _varint(page, at)
        row_id, at = _varint(page, at)
        if size > _PAYLOAD_MOST:
            raise ValueError("no row is so long")
        local = _local(size, self.size)
        payload = page[at : at + local]
        if local < size:
            (following,) = struct.unpack_from(">I", page, at + local)
            payload = self._overflowing(payload, size, following)
        if len(payload) != size:
            raise ValueError("the row is cut off")
        return row_id, _record(payload)

    def _overflowing(self, payload: bytes, size: int, following: int) -> bytes:
        parts, length = [payload], len(payload)
        while length < size:
            page = self.page(following)
            if len(page) < self.size:
                raise ValueError("the row goes on where nothing is")
            (following,) = struct.unpack_from(">I", page, 0)
            part = page[4 : 4 + size - length]
            parts.append(part)
            length += len(part)
        return b"".join(parts)

    def _index(self, log: BinaryIO) -> None:
        header = log.read(_LOG_HEADER)
        if len(header) < _LOG_HEADER:
            return
        magic, _, size, _, *salts = struct.unpack(">6I8x", header)
        if magic not in _LOG_MAGIC or not 512 <= size <= 65536:
            return
        self.size = size
        at = _LOG_HEADER
        while len(frame := log.read(_FRAME_HEADER)) == _FRAME_HEADER:
            number, _, *own = struct.unpack(">4I8x", frame)
            if own != salts:
                return  # of an earlier log: it was written over
            at += _FRAME_HEADER
            self._newer[number] = at
            at += size
            log.seek(at)


def _page_size(header: bytes) -> int:
    if len(header) >= 18 and header[:16] == b"SQLite format 3\0":
        (size,) = struct.unpack_from(">H", header, 16)
        if size == 1:
            return 65536
        if size >= 512 and not size & (size - 1):
            return int(size)
    return PAGE_SIZE


def _local(size: int, usable: int) -> int:
    """Return how many bytes of a payload stand in the cell itself."""
    most = usable - 35
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    return local if local <= most else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(8):
        byte = data[at + i]
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at + i + 1
    value = value << 8 | data[at + 8]
    return (value - (1 << 64) if value >> 63 else value), at + 9


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes by serial type


def _record(payload: bytes) -> Row:
    head, at = _varint(payload, 0)
    kinds = []
    while at < head:
        kind, at = _varint(payload, at)
        kinds.append(kind)
        if len(kinds) > _COLUMNS_MOST:
            raise ValueError("no table has so many columns")
    at = head
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload):
        raise ValueError("the columns do not fill the row")
    return tuple(values)


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 0:
        return None, at
    if kind == 7:
        return float(struct.unpack_from(">d", payload, at)[0]), at + 8
    if kind in (8, 9):
        return kind - 8, at
    if kind < 12:
        raise ValueError("no such type")
    end = at + (kind - 12) // 2
    return (payload[at:end].decode() if kind & 1 else payload[at:end]), end
