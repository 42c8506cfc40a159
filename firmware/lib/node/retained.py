"""What a sleeping node remembers in RTC memory: everything here can be lost at any time.

RTC memory survives deep sleep and watchdog resets, not a power cut. Each field is either a copy of
what flash says or a hint whose loss costs airtime, never a record.
"""

import struct
from binascii import crc32

_MAGIC = 0x534E
_VERSION = 1
_FORMAT = "<HBIHBIIIIIHIqqqI8I"


class Retained:
    def __init__(self):
        self.wakes = 0
        self.failures = 0  # wakes in a row that reached no gateway
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

    def pack(self):
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
            *self.ranges
        )
        return body + struct.pack("<I", crc32(body))


def unpack(raw):
    """Return the Retained in `raw`, or None where there is none that can be trusted."""
    size = struct.calcsize(_FORMAT)
    if len(raw) < size + 4:
        return None
    body = bytes(raw[:size])
    if struct.unpack("<I", raw[size : size + 4])[0] != crc32(body):
        return None
    values = struct.unpack(_FORMAT, body)
    if values[0] != _MAGIC or values[1] != _VERSION:
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
    found.ranges = values[16:]
    return found
