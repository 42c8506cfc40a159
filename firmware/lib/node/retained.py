"""What a sleeping node remembers in RTC memory: everything here can be lost at any time.

RTC memory survives deep sleep and watchdog resets, not a power cut. Each field is either a copy of
what flash says or a hint whose loss costs airtime, never a record.

Layout: the fields of _FORMAT, then for each note u8 id, u16 size and its bytes, then u32 CRC-32 of all that.
"""

import struct
from binascii import crc32

_MAGIC = 0x534E
_VERSION = 4
_FORMAT = "<HBIHBIIIIIHIqqqI8IBBBiHIq10HH"  # the last: bytes of the notes
SIZE_MAX = 2048

# Notes: what other parts of the node keep here, each packed by itself
WATCH = 1  # watch.py
LEASE = 2  # wifi.py
AIRTIME = 3  # the radio's use of its sub-bands
INCOMING = 4  # incoming.py
CHOICE = 5  # choice.py
ARRIVED = 6  # settings that have come: hash, 1 where they are changes; see adoption.py


class Retained:
    def __init__(self):
        self.wakes = 0
        self.failures = 0  # conversations in a row that reached no gateway
        self.clock = 0  # id of the node's clock: another one after each power-on
        self.counter = 0  # next frame counter
        self.reserved = 0  # copy of Identity.reserved
        self.next_seq = 0  # backlog: next record's sequence
        self.oldest = 0  # backlog: oldest sequence held
        self.segment = 0  # backlog: first sequence of the open segment
        self.size = 0  # backlog: bytes in the open segment
        self.epoch = 0
        self.offset_ms = 0  # UTC minus the node's clock
        self.synced_s = 0  # node clock when the offset was learned; 0: never
        self.status_s = 0  # node clock when a STATUS was last answered; 0: never
        self.upto = 0  # acknowledged: all below
        self.ranges = (0,) * 8  # ... and up to four inclusive ranges above, (0, 0) where unused
        self.starts = 0  # starts since one came to its end: see guard.py
        self.trial = 0  # conversations that failed under settings that have never worked yet
        self.level = 0  # of the battery: see power.py
        self.drift_ppm = 0  # how much too slowly the node's clock counts
        self.load_mv = 0  # battery when the radio was last on; 0: never read
        self.writes = 0  # to flash, since the identity was last saved
        self.lit_s = 0  # node clock until which the LED is used
        self.counters = [0] * 10  # by cause, see wire.control
        self.notes = {}  # id -> bytes

    def count(self, cause):
        """Count what went wrong, for the daily STATUS."""
        self.counters[cause - 1] = min(self.counters[cause - 1] + 1, 0xFFFF)

    def pack(self):
        notes = bytearray()
        for key in sorted(self.notes):
            notes += struct.pack("<BH", key, len(self.notes[key])) + self.notes[key]
        body = struct.pack(
            _FORMAT,
            _MAGIC,
            _VERSION,
            self.wakes,
            self.failures,
            self.clock,
            self.counter,
            self.reserved,
            self.next_seq,
            self.oldest,
            self.segment,
            self.size,
            self.epoch,
            self.offset_ms,
            self.synced_s,
            self.status_s,
            self.upto,
            *self.ranges,
            self.starts,
            self.trial,
            self.level,
            self.drift_ppm,
            self.load_mv,
            self.writes,
            self.lit_s,
            *self.counters,
            len(notes),
        )
        body += notes
        return body + struct.pack("<I", crc32(body))


def unpack(raw):
    """Return the Retained in `raw`, or None where there is none that can be trusted."""
    size = struct.calcsize(_FORMAT)
    if len(raw) < size + 4:
        return None
    values = struct.unpack(_FORMAT, raw[:size])
    end = size + values[-1]
    if values[0] != _MAGIC or values[1] != _VERSION or len(raw) < end + 4:
        return None
    if struct.unpack("<I", raw[end : end + 4])[0] != crc32(raw[:end]):
        return None
    found = Retained()
    (
        found.wakes,
        found.failures,
        found.clock,
        found.counter,
        found.reserved,
        found.next_seq,
        found.oldest,
        found.segment,
        found.size,
        found.epoch,
        found.offset_ms,
        found.synced_s,
        found.status_s,
        found.upto,
    ) = values[2:16]
    found.ranges = values[16:24]
    (
        found.starts,
        found.trial,
        found.level,
        found.drift_ppm,
        found.load_mv,
        found.writes,
        found.lit_s,
    ) = values[24:31]
    found.counters = list(values[31:41])
    at = size
    while at < end:
        key, length = struct.unpack("<BH", raw[at : at + 3])
        found.notes[key] = bytes(raw[at + 3 : at + 3 + length])
        at += 3 + length
    return found
