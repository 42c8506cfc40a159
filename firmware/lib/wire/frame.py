"""Frame header: six bytes in clear, authenticated as additional data. SPEC.md section 2."""

from collections import namedtuple

TYPE_CHECKING = False

VERSION = 1
HEADER_SIZE = 6
TAG_SIZE = 8
WELCOME_SIZE = HEADER_SIZE + 4 + 8  # header, gateway id, store id: all of it in clear
JOIN_SIZE = HEADER_SIZE + 2  # header, life: likewise
COUNTER_MAX = (1 << 24) - 1

# Frame types
DATA = 0  # uplink: records
CONTROL = 1  # either way: a CBOR map, see control.py
WELCOME = 2  # downlink: names the gateway and store whose downlink key applies from now on
JOIN = 3  # uplink: a CONTROL that names the life of the node key it is sealed in

# Flags
ACK_REQUESTED = 1
RELATIVE = 2  # DATA: times are those of the node's own clock, not UTC
MANY = 4  # DATA: more than one record


class FrameError(ValueError):
    """The bytes are not a valid frame; the text says what is wrong with them."""


if TYPE_CHECKING:
    from typing import NamedTuple

    class Header(NamedTuple):
        type: int
        flags: int
        node: int
        counter: int

else:
    Header = namedtuple("Header", ("type", "flags", "node", "counter"))


def pack_header(type: int, flags: int, node: int, counter: int) -> bytes:
    """Return the six header bytes. Raises ValueError where a field does not fit."""
    if not (0 <= type <= JOIN and 0 <= flags <= 7 and 0 <= node <= 0xFFFF and 0 <= counter <= COUNTER_MAX):
        raise ValueError(
            "header field out of range: type %r, flags %r, node %r, counter %r" % (type, flags, node, counter)
        )
    return bytes(
        (
            VERSION << 6 | type << 3 | flags,
            node >> 8,
            node & 0xFF,
            counter >> 16,
            counter >> 8 & 0xFF,
            counter & 0xFF,
        )
    )


def parse_header(frame: bytes) -> Header:
    """Return the header of `frame`. Raises FrameError; says nothing about authenticity."""
    if len(frame) < HEADER_SIZE + TAG_SIZE:
        raise FrameError("frame of %d bytes is shorter than header and tag" % len(frame))
    first = frame[0]
    if first >> 6 != VERSION:
        raise FrameError("frame version %d, this side speaks %d" % (first >> 6, VERSION))
    kind = first >> 3 & 7
    if kind > JOIN:
        raise FrameError("unknown frame type %d" % kind)
    return Header(kind, first & 7, frame[1] << 8 | frame[2], frame[3] << 16 | frame[4] << 8 | frame[5])
