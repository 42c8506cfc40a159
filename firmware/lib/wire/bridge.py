"""The cable between a gateway and its USB LoRa bridge: framing and messages. Pure; both ends use it.

The cable is also the board's console. ROM, interpreter and program print on it; Ctrl-C (0x03) on it stops the
program, as technicians' tools do; and what the program has not read yet waits in 260 bytes. So a frame is a
line of text, with the newline before it for whatever stood there:

    newline, "~", Base64 of (kind u8, number u8, body, CRC-32 u32 little-endian), newline

After damage of any kind the next newline sets both ends right. A line without the mark is the console's.

In each direction one message is under way: it is sent again until it is answered. What was answered before
(same number, same content) is answered again and not done twice.
"""

import struct
from binascii import a2b_base64, b2a_base64, crc32

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

VERSION = 1
BAUD = 115200
MARK = b"~"
TAKES = 255  # bytes of a line to the bridge, newlines included
LONGEST = 400  # of any line: a packet of 255 bytes and how it was heard

# From the bridge. `number` of an answer is that of what it answers.
HELLO, HEARD, DONE, STATE = 1, 2, 3, 4
# From the gateway
ASK, SETUP, TAKEN, SEND = 16, 17, 18, 19

# Bodies. `boot` is drawn at each start of the bridge: its clock (µs, 32 bits) and its numbers begin anew.
HELLO_BODY = "<BHH8sB"  # version, boot, bytes of a line it takes, its id, ESP32's reset cause
HEARD_BODY = "<HIIhbIBH"  # boot, age in ms, clock, RSSI in dBm, SNR in dB/4, kHz, SF, bandwidth; the packet
DONE_BODY = "<B"  # one of OUTCOMES
STATE_BODY = "<HBB9I"  # boot, 1 while its radio works, packets it holds, COUNTS
SETUP_BODY = "<IBH"  # kHz, spreading factor and bandwidth to listen to
TAKEN_BODY = "<H"  # boot
SEND_BODY = "<HIIBHb"  # boot, clock at the beginning, kHz, SF, bandwidth, dBm; the packet

COUNTS = (
    "heard",
    "damaged on the air",
    "lost: too many held",  # nobody took them from the bridge in time
    "garbled on the cable",
    "other lines on the cable",
    "sent",
    "failed to send",
    "radio restarted",
    "airtime left in ms",
)

DONE_WELL, TOO_LATE, NO_AIRTIME, BUSY, BAD, OTHER_BOOT, NO_RADIO = range(7)
OUTCOMES = (
    "",
    "too late",
    "no airtime",
    "another one is being sent",
    "the bridge refuses these settings",
    "the bridge has started anew",
    "the bridge has no radio",
)

SENDABLE = (TAKES - 3) // 4 * 3 - 6 - struct.calcsize(SEND_BODY)  # bytes of a packet to send


def line(kind: int, number: int, body: bytes = b"") -> bytes:
    """Return a message as it goes over the cable."""
    inner = bytes((kind, number & 0xFF)) + body
    return b"\n~" + b2a_base64(inner + struct.pack("<I", crc32(inner) & 0xFFFFFFFF))


def split(format: str, body: bytes) -> "tuple[tuple[Any, ...], bytes]":
    """Return the fields of a body and what follows them. ValueError where it is too short."""
    size = struct.calcsize(format)
    if len(body) < size:
        raise ValueError("too short")
    return struct.unpack(format, body[:size]), body[size:]


class Lines:
    """Takes apart what arrives. Counts frames that were `garbled`, and `others`: lines that are none."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = b""
        self._skip = False  # to the next newline: what came was too long
        self.garbled = 0
        self.others = 0
        self.last_other = b""

    def feed(self, content: bytes) -> "list[tuple[int, int, bytes]]":
        """Return the messages that are whole now: (kind, number, body)."""
        lines = (self._rest + content).split(b"\n")
        self._rest = lines.pop()
        found = []
        for each in lines:
            if self._skip:
                self._skip = False
                continue
            message = self._message(each)
            if message is not None:
                found.append(message)
        if len(self._rest) > self._longest:
            if not self._skip:
                self.garbled += 1
            self._rest, self._skip = b"", True
        return found

    def _message(self, raw: bytes) -> "tuple[int, int, bytes] | None":
        raw = raw.strip(b"\r")
        if not raw:
            return None
        if raw[:1] != MARK:
            self.others += 1
            self.last_other = raw[:80]
            return None
        try:
            inner = a2b_base64(raw[1:])
        except ValueError:
            inner = b""
        if len(inner) < 6 or crc32(inner[:-4]) & 0xFFFFFFFF != struct.unpack("<I", inner[-4:])[0]:
            self.garbled += 1
            return None
        return inner[0], inner[1], inner[2:-4]
