"""What a sleeping node remembers in RTC memory: everything here can be lost at any time.

RTC memory survives deep sleep and watchdog resets, not a power cut. Each field is either a copy of
what flash says or a hint whose loss costs airtime, never a record.
"""

import struct
from binascii import crc32

_MAGIC = 0x534E
_VERSION = 1
_FIELDS = (
    ("wakes", "I"),
    ("failures", "H"),  # wakes in a row that reached no gateway
    ("clock", "B"),  # id of the node's clock: another one after each power-on
    ("counter", "I"),  # next frame counter
    ("reserved", "I"),  # copy of Identity.reserved
    ("next_seq", "I"),  # backlog: next record's sequence
    ("oldest", "I"),  # backlog: oldest sequence held
    ("segment", "I"),  # backlog: first sequence of the open segment
    ("size", "H"),  # backlog: bytes in the open segment
    ("epoch", "I"),
    ("offset_ms", "q"),  # UTC minus the node's clock
    ("synced_s", "q"),  # node clock when the offset was learned; 0: never
    ("status_s", "q"),  # node clock when a STATUS was last answered; 0: never
    ("upto", "I"),  # acknowledged: all below
    ("ranges", "8I"),  # ... and up to four inclusive ranges above, (0, 0) where unused
)
_FORMAT = "<HB" + "".join([f for _, f in _FIELDS])


class Retained:
    def __init__(self):
        for name, form in _FIELDS:
            setattr(self, name, (0,) * 8 if form == "8I" else 0)

    def pack(self):
        values = [_MAGIC, _VERSION]
        for name, form in _FIELDS:
            value = getattr(self, name)
            if form == "8I":
                values.extend(value)
            else:
                values.append(value)
        body = struct.pack(_FORMAT, *values)
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
    at = 2
    for name, form in _FIELDS:
        if form == "8I":
            setattr(found, name, values[at : at + 8])
            at += 8
        else:
            setattr(found, name, values[at])
            at += 1
    return found
