"""The node's own store: a ring of small segment files that survives a power cut at any flash write.

Layout of DIR: `epoch`, and one file a segment, named by its first sequence in eight hex digits.

    epoch     u32 epoch, u32 CRC-32 of those four bytes
    segment   "SNb1", u32 epoch, u32 first sequence, u32 CRC-32 of the twelve bytes before it;
              then entries: u8 size of the body, with the high bit where it goes on from the record
              before, body, u16 low half of the CRC-32 of (u32 sequence, body)
    body      u32 time, u8 clock (0: UTC Unix seconds, else the id of the node's clock whose seconds
              they are), u8 1 where quality codes follow, [four bits a channel, the first in the low
              half], then the values that are present as zigzag varints
    going on  uvarint of twice the seconds since the record before, 1 more where quality codes follow
              (else they are as before), [codes], then for each value that is present the zigzag varint of its
              difference to that before, to 0 where that had none; the clock is the same

All integers little-endian. An entry's sequence is the segment's first plus its position. A segment takes a
block of 4 KB; it stays near 1 KB where records come singly, as appending to a larger file makes littlefs copy
more for each. It is read in parts: a node that has just spoken has little heap left in one piece, so an entry
has PART bytes at most. A record is in flash before any radio sends it, so a sequence that was ever sent is
never given to another record.
"""

import os
import struct
from binascii import crc32

import slots
from wire.bits import unzigzag, zigzag
from wire.encoding import Record, put_uvarint, take_uvarint
from wire.quantities import FAULT, MISSING

DIR = "/log"
SEGMENT_BYTES = 1000
_MAGIC = b"SNb1"
_HEAD = 16
PART = 256  # bytes of a segment that are in the heap at once
SKIP = 64  # more records than a damaged segment can have held: their sequences are not used again
_ON = 0x80  # of an entry's size
_LEAST = 4  # bytes of an entry in a batch


def _head(epoch, first):
    body = struct.pack("<4sII", _MAGIC, epoch, first)
    return body + struct.pack("<I", crc32(body))


def pack_entry(seq, row, before=None):
    """Return the entry of a row (time, clock, values, quality); `before` is that it goes on from, if any.

    Raises ValueError for more than an entry can hold.
    """
    time, clock, values, quality = row
    if before is None:
        body = bytearray(struct.pack("<IBB", time, clock or 0, 1 if any(quality) else 0))
        coded, since = any(quality), (None,) * len(values)
    else:
        coded, since = tuple(quality) != tuple(before[3]), before[2]
        body = bytearray()
        put_uvarint(body, time - before[0] << 1 | (1 if coded else 0))
    if coded:
        for i in range(0, len(quality), 2):
            body.append(quality[i] | (quality[i + 1] << 4 if i + 1 < len(quality) else 0))
    for value, old in zip(values, since):
        if value is not None:
            put_uvarint(body, zigzag(value - (old or 0)))
    check = crc32(struct.pack("<I", seq) + body) & 0xFFFF
    if len(body) >= _ON:
        raise ValueError("a record of %d bytes" % len(body))
    size = len(body) if before is None else len(body) | _ON
    return bytes((size,)) + body + struct.pack("<H", check)


def _goes_on(row, before):
    return before is not None and row[1] == before[1] and 0 <= row[0] - before[0] < 0x10000


def unpack_body(seq, body, channels, before=None):
    """Return (Record, clock id or None); `before` is that of the record it goes on from, if it does."""
    if before is None:
        time, clock, coded = struct.unpack("<IBB", body[:6])
        at, quality, since = 6, (0,) * channels, (None,) * channels
    else:
        passed, at = take_uvarint(body, 0)
        time, clock, coded = before[0].time + (passed >> 1), before[1], passed & 1
        quality, since = before[0].quality, before[0].values
    if coded:
        quality = tuple([body[at + i // 2] >> 4 * (i & 1) & 15 for i in range(channels)])
        at += (channels + 1) // 2
    values: "list[int | None]" = []
    for code, old in zip(quality, since):
        if code in (MISSING, FAULT):
            values.append(None)
        else:
            z, at = take_uvarint(body, at, 6)
            values.append(unzigzag(z) + (old or 0))
    return Record(seq, time, tuple(values), quality), clock or None


def entries(f, first):
    """Yield (sequence, whether it goes on from the one before, body) of the sound entries of an open file."""
    part = bytearray(PART)
    view = memoryview(part)
    seq = first
    at = held = 0  # of `part`: where the next entry begins, and bytes read from the file
    while True:
        size = 3 + (part[at] & ~_ON) if at < held else PART
        if at + size > held:  # move up what there is of it, and read on
            part[: held - at] = part[at:held]
            held -= at
            at = 0
            held += f.readinto(view[held:])
            if not held:
                return
            size = 3 + (part[0] & ~_ON)
        end = at + size - 2
        if end + 2 > held or size < (_LEAST if part[at] & _ON else 9):
            return
        body = part[at + 1 : end]
        if crc32(struct.pack("<I", seq) + body) & 0xFFFF != part[end] | part[end + 1] << 8:
            return
        yield seq, part[at] >= _ON, body
        at = end + 2
        seq += 1


def is_segment(name):
    """Whether a file of this name is one: a number in eight hex digits."""
    return len(name) == 8 and not name.strip("0123456789abcdef")


class Backlog:
    """`state` (Retained) says where the ring stands; `recover()` finds out again when it does not."""

    def __init__(self, state, channels, segments, segment_bytes=SEGMENT_BYTES, directory=DIR):
        self._state = state
        self._channels = channels
        self._segments = segments
        self._segment_bytes = segment_bytes
        self._dir = directory

    def _path(self, first):
        return "%s/%08x" % (self._dir, first)

    def _firsts(self):
        """First sequences of the segments, ascending."""
        return sorted([int(name, 16) for name in os.listdir(self._dir) if is_segment(name)])

    def _entries(self, first):
        """Yield the entries of a segment; nothing where its head is damaged or not of this epoch."""
        with open(self._path(first), "rb") as f:
            if f.read(_HEAD) == _head(self._state.epoch, first):
                yield from entries(f, first)

    def recover(self, random):
        """Find the ring's state in flash. A ring without segments gets a new epoch from `random(n)`."""
        state = self._state
        try:
            os.mkdir(self._dir)
        except OSError:
            pass  # it is there
        firsts = self._firsts()
        state.epoch = self._read_epoch()
        if not state.epoch and firsts:
            state.epoch = self._epoch_of(firsts)
            if state.epoch:
                self._write_epoch()
            else:
                firsts = []
        if not firsts:
            for name in os.listdir(self._dir):
                os.remove(self._dir + "/" + name)
            self.format(random)
            return
        last = firsts[-1]
        size = os.stat(self._path(last))[6]
        end = _HEAD
        state.next_seq = last
        for seq, _, body in self._entries(last):
            state.next_seq = seq + 1
            end += 3 + len(body)
        whole = _HEAD < end == size  # a segment is made with its first entry
        if not whole:  # what its tail held may have been sent
            small = self._segment_bytes <= SEGMENT_BYTES  # then its records came singly
            state.next_seq += SKIP if small else self._segment_bytes // _LEAST
        state.segment = last
        state.size = end if whole else self._segment_bytes
        state.oldest = firsts[0]

    def format(self, random):
        """Begin a new epoch. Only for a ring that holds nothing the gateway knows of."""
        state = self._state
        epoch = struct.unpack("<I", random(4))[0] or 1
        state.epoch = epoch
        self._write_epoch()
        state.next_seq = state.oldest = state.segment = state.upto = 0
        state.ranges = (0,) * 8
        state.size = self._segment_bytes

    def _write_epoch(self):
        body = struct.pack("<I", self._state.epoch)
        with open(self._dir + "/epoch.new", "wb") as f:
            f.write(body + struct.pack("<I", crc32(body)))
        os.rename(self._dir + "/epoch.new", self._dir + "/epoch")

    def _epoch_of(self, firsts):
        """Return the epoch that the newest sound head has, 0 where none is sound."""
        for first in reversed(firsts):
            try:
                with open(self._path(first), "rb") as f:
                    head = f.read(_HEAD)
            except OSError:
                continue
            epoch = struct.unpack("<I", head[4:8])[0] if len(head) == _HEAD else 0
            if epoch and head == _head(epoch, first):
                return epoch
        return 0

    def _read_epoch(self):
        try:
            with open(self._dir + "/epoch", "rb") as f:
                raw = f.read()
        except OSError:
            return 0
        if len(raw) != 8 or struct.unpack("<I", raw[4:])[0] != crc32(raw[:4]):
            return 0
        return struct.unpack("<I", raw[:4])[0]

    def append(self, rows):
        """Write `rows` of (time, clock id or None, values, quality), each file once; return the last
        one's sequence. Raises OSError where flash refuses: then none of the rows is certain to be kept.
        """
        state = self._state
        seq = state.next_seq
        path, mode, pending = self._path(state.segment), "ab", bytearray()
        size, before = state.size, None
        for row in rows:
            # A program on trial may have to give way to one that knows only whole entries.
            on = before if not slots.trial and _goes_on(row, before) else None
            entry = pack_entry(seq, row, on)
            if size + len(entry) > self._segment_bytes:
                entry = pack_entry(seq, row)
                self._flush(path, mode, pending, seq, size)
                self._make_room(seq)
                state.segment = seq
                path, mode, pending = self._path(seq), "wb", bytearray(_head(state.epoch, seq))
                size = _HEAD
            pending += entry
            size += len(entry)
            before = row
            seq += 1
        self._flush(path, mode, pending, seq, size)
        return seq - 1

    def _flush(self, path, mode, pending, next_seq, size):
        if pending:
            self._state.size = self._segment_bytes  # where this fails, the next one begins a new segment
            with open(path, mode) as f:
                f.write(pending)
            self._state.writes += 1
            self._state.next_seq = next_seq
            self._state.size = size

    def _make_room(self, fresh):
        """Drop the oldest for the segment `fresh`; one that a write that failed has left costs no other."""
        firsts = [first for first in self._firsts() if first != fresh]
        while len(firsts) >= self._segments:
            os.remove(self._path(firsts.pop(0)))
            self._state.oldest = firsts[0] if firsts else self._state.next_seq

    def read(self, first, last):
        """Yield (Record, clock id or None) for the sequences first..last that are held, ascending."""
        # What was just measured is in the open segment: the folder need not be read for that.
        firsts = [self._state.segment] if first >= self._state.segment else self._firsts()
        for i, start in enumerate(firsts):
            end = firsts[i + 1] - 1 if i + 1 < len(firsts) else self._state.next_seq - 1
            if end < first or start > last:
                continue
            stretch: "list" = []  # bodies from the last whole one on
            for seq, on, body in self._entries(start):
                if not on:
                    stretch = []
                elif not stretch:
                    break  # it can not be: the first one is whole
                stretch.append(body)
                if first <= seq <= min(last, end):
                    yield self._unpack(seq, stretch)

    def _unpack(self, seq, stretch):
        """Return the last record of a stretch, and its clock; from then on the stretch is that record."""
        found = stretch[0] if isinstance(stretch[0], tuple) else None
        for i, body in enumerate(stretch):
            if body is not found:
                found = unpack_body(seq + 1 - len(stretch) + i, body, self._channels, found)
        stretch[:] = [found]
        return found
