"""Control bodies: CBOR maps (RFC 8949) with small integer keys; schema.cddl has their shapes.

Only what control frames use is spoken: integers, byte and text strings, arrays, maps with integer
keys, true, false, null; shortest encoding, definite lengths, no duplicate keys, nothing after the end.
"""

from wire.frame import FrameError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import TypeAlias

    Item: TypeAlias = "int | bool | None | bytes | str | list[Item] | dict[int, Item]"

# Uplink keys
EPOCH = 1  # full epoch, u32
CLOCK = 2  # [clock id, that clock's time in ms when this was sent]
BOOT = 3  # [boots so far, reset cause, wake reason, starts before this one that came to no end]
FIRMWARE = 4  # version text
CONFIG = 5  # first 4 bytes of the settings' SHA-256
BATTERY = 6  # mV under load
NEXT = 7  # next record sequence
LOST = 8  # [[from, to], ...] overwritten before they were acknowledged
PROFILE = 9  # schema id
OLDEST = 10  # oldest sequence still in the backlog
COUNTERS = 11  # {cause id: count} of what went wrong on the node since boot
WEAR = 12  # [files written to flash so far, free blocks, blocks in all]
FAULTS = 14  # ["driver: what is wrong", ...], where the carrier has room for words
TAKES = 15  # 1: this node takes CHANGES
REGISTERS = 16  # [[time, clock, kind, mark before, mark after, [[channel, before, after], ...]], ...]
SHELF = 17  # 1: goes to the shelf now, and is silent on purpose until it reports again

WANT = 13  # [hash, bytes held] of SETTINGS or CHANGES that are on their way to the node

# Causes, of COUNTERS
CRASHED = 1  # starts that came to no end
WATCHDOG = 2  # resets by the watchdog
SILENT = 3  # conversations without an answer
REFUSED = 4  # downlinks that could not be opened
FLASH = 5  # writes that flash refused
SENSOR = 6  # errors that escaped a driver
BATTERY_LOW = 7  # wakes that only looked at the battery
REVERTED = 8  # settings given up for the last that worked
REGISTER = 9  # registers of a meter that were reset, rolled over, swapped or jumped
CARRIER = 10  # changes to the node's other carrier, and back

# Downlink keys
ACK = 32  # [short epoch, upto, [from, to], ...]: all below upto, and the inclusive ranges, are stored
TIME = 33  # [uplink counter this answers, UTC in ms]
EPOCH_OK = 34  # full epoch that is registered: data may flow
ASK = 35  # what the gateway wants to hear: ASK_STATUS
SETTINGS = 36  # [hash, size of the whole, offset, bytes]: a piece of new settings; only beside TIME
GAPS = 37  # [short epoch, from, lacking, there, lacking, there, ...]: what is not stored; only beside TIME
CHANGES = 38  # as SETTINGS, of what makes the new settings out of the old ones: changes.py

ASK_STATUS = 1

DEPTH_MAX = 5  # how deep an item may lie: the map itself is at 0, what it holds at 1
ITEMS_MAX = 64  # entries of one array or map


def _head(out: bytearray, major: int, n: int) -> None:
    major <<= 5
    if n < 24:
        out.append(major | n)
        return
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n >> 8 * size == 0:
            out.append(major | code)
            out += n.to_bytes(size, "big")
            return
    raise ValueError("%d does not fit 64 bits" % n)


def _put(out: bytearray, item: "Item", depth: int) -> None:
    if depth > DEPTH_MAX:
        raise ValueError("a control body is nested %d deep at most" % DEPTH_MAX)
    if item is None:
        out.append(0xF6)
    elif item is True:
        out.append(0xF5)
    elif item is False:
        out.append(0xF4)
    elif isinstance(item, int):
        if item >= 0:
            _head(out, 0, item)
        else:
            _head(out, 1, -1 - item)
    elif isinstance(item, (bytes, bytearray)):
        _head(out, 2, len(item))
        out += item
    elif isinstance(item, str):
        text = item.encode()
        _head(out, 3, len(text))
        out += text
    elif isinstance(item, (list, tuple)):
        _head(out, 4, _entries(item))
        for one in item:
            _put(out, one, depth + 1)
    elif isinstance(item, dict):
        _head(out, 5, _entries(item))
        for key in sorted(item):
            if type(key) is not int:
                raise TypeError("a control body has integer keys, not %r" % (key,))
            _put(out, key, depth + 1)
            _put(out, item[key], depth + 1)
    else:
        raise TypeError("a control body can not hold %r" % (item,))


def _entries(item: "list[Item] | dict[int, Item]") -> int:
    if len(item) > ITEMS_MAX:
        raise ValueError("a control body has lists of %d entries at most, not %d" % (ITEMS_MAX, len(item)))
    return len(item)


def encode(body: "dict[int, Item]") -> bytes:
    """Return the CBOR of `body`, keys in ascending order.

    Raises TypeError or ValueError for what `decode` would refuse.
    """
    out = bytearray()
    _put(out, body, 0)
    return bytes(out)


def _take_head(source: bytes, at: int) -> "tuple[int, int, int]":
    if at >= len(source):
        raise FrameError("control body ends too early")
    major, low = source[at] >> 5, source[at] & 31
    at += 1
    if low < 24:
        return major, low, at
    if major == 7 or low > 27:
        raise FrameError("control body holds what the format has no use for (byte 0x%02x)" % source[at - 1])
    size = 1 << (low - 24)
    if at + size > len(source):
        raise FrameError("control body ends too early")
    n = int.from_bytes(source[at : at + size], "big")
    if n < 24 or (size > 1 and n >> 4 * size == 0):
        raise FrameError("control body is not in shortest form")
    return major, n, at + size


def _take(source: bytes, at: int, depth: int) -> "tuple[Item, int]":
    if depth > DEPTH_MAX:
        raise FrameError("control body is nested deeper than %d" % DEPTH_MAX)
    major, n, at = _take_head(source, at)
    if major == 0:
        return n, at
    if major == 1:
        return -1 - n, at
    if major in (2, 3):
        if at + n > len(source):
            raise FrameError("control body ends inside a string")
        raw = bytes(source[at : at + n])
        if major == 2:
            return raw, at + n
        try:
            return raw.decode(), at + n
        except UnicodeError:
            raise FrameError("control body holds a text that is not UTF-8")
    if major in (4, 5) and n > ITEMS_MAX:
        raise FrameError("control body has a list of %d entries, %d are allowed" % (n, ITEMS_MAX))
    if major == 4:
        items = []
        for _ in range(n):
            item, at = _take(source, at, depth + 1)
            items.append(item)
        return items, at
    if major == 5:
        entries: "dict[int, Item]" = {}
        for _ in range(n):
            key, at = _take(source, at, depth + 1)
            if not isinstance(key, int) or isinstance(key, bool) or key in entries:
                raise FrameError("control body has a bad or repeated key")
            entries[key], at = _take(source, at, depth + 1)
        return entries, at
    if major == 7 and 20 <= n <= 22:
        return (False, True, None)[n - 20], at
    raise FrameError("control body holds what the format has no use for (major type %d)" % major)


def decode(source: bytes) -> "dict[int, Item]":
    """Return the map that `source` holds. Raises FrameError on anything else than exactly one map."""
    body, end = _take(source, 0, 0)
    if not isinstance(body, dict):
        raise FrameError("control body is not a map")
    if end != len(source):
        raise FrameError("control body has %d bytes after its end" % (len(source) - end))
    return body
