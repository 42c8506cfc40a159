"""A year of hourly registers, beside the ring of records: what a meter showed, should all else be lost.

An entry an hour stays until it is overwritten, acknowledged or not. A node also finds in it, after a start,
what its registers showed before: see registers.py. A technician reads it with `sensornett node archive`.

Layout of DIR: one file a segment, named by a running number in eight hex digits; the lowest is the oldest.

    segment   "SNa1", u16 node, u8 schema, u8 n, n times u8 position of a register among the schema's
              channels, u32 CRC-32 of all before it; then entries: u8 size of the body, body, u16 low half
              of the CRC-32 of (u32 number of the segment, u16 place in the file, body)
    body      uvarint of flags: 1 the time is whole, 2 the meter's mark follows, 4 << i register i is there;
              the time: whole as u8 clock (0: UTC Unix seconds, else the id of the node's clock) and u32
              seconds, otherwise uvarint seconds since the entry before; the mark: 4 bytes; for each register
              that is there the zigzag varint of its difference to its last value in this segment, at first 0

All integers little-endian. A segment is read by itself, so a damaged one costs no other. A meter's mark tells
one meter from another without naming it: see registers.py.
"""

import os
import struct
from binascii import crc32

from node.backlog import is_segment
from wire.bits import unzigzag, zigzag
from wire.encoding import put_uvarint, take_uvarint
from wire.quantities import ESTIMATED, OK, OUT_OF_RANGE

DIR = "/archive"
SEGMENT_BYTES = 4000  # one block of flash
HOUR_S = 3600
EARLY_S = 120  # a meter may give the hour's registers by a clock that is a little early
MARK_SIZE = 4
_MAGIC = b"SNa1"
_USABLE = (OK, OUT_OF_RANGE, ESTIMATED)
_WHOLE, _MARK, _REGISTER = 1, 2, 4  # flags of an entry


def head(node, schema, positions):
    body = struct.pack("<4sHBB", _MAGIC, node, schema, len(positions)) + bytes(positions)
    return body + struct.pack("<I", crc32(body))


def _check(number, at, body):
    return struct.pack("<H", crc32(struct.pack("<IH", number, at) + body) & 0xFFFF)


def _hour(time):
    return (time + EARLY_S) // HOUR_S


class _Point:
    """Where a segment stands after an entry: what the next one is written against."""

    def __init__(self, count):
        self.time = 0
        self.clock = None  # None: nothing is written yet
        self.mark = None
        self.values = [0] * count

    def encode(self, time, clock, mark, values):
        """Return the body of an entry, `values` None where a register is not there, and move on to it."""
        flags = 0
        if clock != self.clock or time < self.time:
            flags |= _WHOLE
        if mark is not None and mark != self.mark:
            flags |= _MARK
        for i, value in enumerate(values):
            if value is not None:
                flags |= _REGISTER << i
        body = bytearray()
        put_uvarint(body, flags)
        if flags & _WHOLE:
            body += struct.pack("<BI", clock, time)
        else:
            put_uvarint(body, time - self.time)
        if flags & _MARK:
            body += mark
            self.mark = mark
        for i, value in enumerate(values):
            if value is not None:
                put_uvarint(body, zigzag(value - self.values[i]))
                self.values[i] = value
        self.time, self.clock = time, clock
        return bytes(body)

    def decode(self, body):
        """Move on to the entry `body`; return which registers are in it. Raises FrameError, struct.error."""
        flags, at = take_uvarint(body, 0)
        if flags & _WHOLE:
            self.clock, self.time = struct.unpack("<BI", body[at : at + 5])
            at += 5
        else:
            passed, at = take_uvarint(body, at)
            self.time += passed
        if flags & _MARK:
            self.mark = bytes(body[at : at + MARK_SIZE])
            at += MARK_SIZE
        there = []
        for i in range(len(self.values)):
            if flags & _REGISTER << i:
                z, at = take_uvarint(body, at, 7)
                self.values[i] += unzigzag(z)
                there.append(i)
        return there


def entries(raw, at, number, point):
    """Yield (where it ends, which registers it has) for each sound entry from `at` on; `point` goes along."""
    while at < len(raw):
        body = raw[at + 1 : at + 1 + raw[at]]
        end = at + 3 + len(body)
        if len(body) != raw[at] or raw[end - 2 : end] != _check(number, at, body):
            return
        try:
            there = point.decode(body)
        except ValueError:  # FrameError is one
            return
        yield end, there
        at = end


class Archive:
    """`positions` of the registers among the channels of `schema`; at most `segments` files are kept."""

    def __init__(self, node, schema, positions, segments, directory=DIR):
        self._head = head(node, schema, positions)
        self._positions = positions
        self._segments = segments
        self._dir = directory
        self._number = 0  # of the newest segment
        self._failed = None  # the number of one that could not be begun
        self._size = SEGMENT_BYTES  # of it; full: the next entry begins another one
        self._point = _Point(len(positions))
        self._hour = None  # (clock, hour) of the newest entry
        self.known = {}  # position -> the value last written
        self.mark = None  # of the meter that showed it

    def _path(self, number):
        return "%s/%08x" % (self._dir, number)

    def _numbers(self):
        return sorted([int(name, 16) for name in os.listdir(self._dir) if is_segment(name)])

    def recover(self):
        """Find the end of the archive in flash, and what the registers showed last. Raises OSError."""
        try:
            os.mkdir(self._dir)
        except OSError:
            pass  # it is there
        numbers = self._numbers()
        for number in reversed(numbers[-2:]):  # a register that has stopped may be in the one before
            self._recover(number, number == numbers[-1])

    def _recover(self, number, newest):
        with open(self._path(number), "rb") as f:
            raw = f.read()
        point = _Point(len(self._positions))
        end, found = len(self._head), {}
        if raw[:end] == self._head:
            for at, there in entries(raw, end, number, point):
                end = at
                for i in there:
                    found[self._positions[i]] = point.values[i]
        for position in found:
            self.known.setdefault(position, found[position])
        if not newest:
            return
        self._number = number
        if point.clock is not None:
            self._hour = point.clock, _hour(point.time)
            self.mark = point.mark
            if end == len(raw):  # else its tail is damaged: it is left as it is
                self._point, self._size = point, end

    def append(self, rows, mark=None):
        """Write of `rows` (as the backlog takes them) the first with registers in each hour. Raises OSError.

        `mark` is of the meter that showed them, None where the meter does not say who it is.
        """
        for time, clock, values, quality in rows:
            found = [values[i] if quality[i] in _USABLE else None for i in self._positions]
            hour = clock or 0, _hour(time)
            if hour == self._hour or not any([value is not None for value in found]):
                continue
            self._write(time, clock or 0, mark, found)
            self._hour = hour
            for position, value in zip(self._positions, found):
                if value is not None:
                    self.known[position] = value
            self.mark = mark or self.mark

    def _write(self, time, clock, mark, values):
        point, size = self._point, self._size
        self._size = SEGMENT_BYTES  # where this fails, the next one begins a new segment
        if size < SEGMENT_BYTES:
            body = point.encode(time, clock, mark, values)
            if size + 3 + len(body) <= SEGMENT_BYTES:
                with open(self._path(self._number), "ab") as f:
                    f.write(bytes((len(body),)) + body + _check(self._number, size, body))
                self._size = size + 3 + len(body)
                return
        # What a write that failed has left is written anew: it costs no other segment.
        numbers = [number for number in self._numbers() if number != self._failed]
        while len(numbers) >= self._segments:
            os.remove(self._path(numbers.pop(0)))
        self._number = self._failed = numbers[-1] + 1 if numbers else 0
        self._point = _Point(len(self._positions))
        body = self._point.encode(time, clock, mark or self.mark, values)
        size = len(self._head)
        with open(self._path(self._number), "wb") as f:
            f.write(self._head + bytes((len(body),)) + body + _check(self._number, size, body))
        self._failed = None
        self._size = size + 3 + len(body)
