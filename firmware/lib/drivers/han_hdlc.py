"""HDLC framing of the HAN port: bytes in, checked payloads out. Part of han.

IEC 62056-46:2002, frame format type 3: `7E | format and length (2) | destination | source |
control | HCS (2) | information | FCS (2) | 7E`. The length counts everything between the flags and nothing is
stuffed, so 7E may stand inside a frame: only the length tells where it ends. A frame without information
has no HCS.
"""

FLAG = 0x7E
TYPE_3 = 0xA0
SEGMENTED = 0x08
SHORTEST = 7  # format 2, addresses 1 + 1, control 1, FCS 2

# CRC-16/X.25 (polynomial 0x8408 reflected), four bits at a time: the table is small enough for a node.
_NIBBLES = (
    0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387,
    0x8408, 0x9489, 0xA50A, 0xB58B, 0xC60C, 0xD68D, 0xE70E, 0xF78F,
)  # fmt: skip

NO_FRAME = -1
UNDECIDED = 0


def crc16(data, start: int, end: int) -> int:
    """CRC-16/X.25 of data[start:end]; it is sent low byte first."""
    crc = 0xFFFF
    for i in range(start, end):
        byte = data[i]
        crc = crc >> 4 ^ _NIBBLES[(crc ^ byte) & 15]
        crc = crc >> 4 ^ _NIBBLES[(crc ^ byte >> 4) & 15]
    return crc ^ 0xFFFF


def _checks(data, start, end):
    # Whether the two bytes at `end` are the check of data[start:end].
    return crc16(data, start, end) == data[end] | data[end + 1] << 8


def _address_end(data, at, end):
    # Behind the address at `at`: its last byte has bit 0 set, the fourth is the last at the latest.
    for i in range(at, min(at + 4, end)):
        if data[i] & 1:
            return i + 1
    return UNDECIDED if end < at + 4 else NO_FRAME


def find_frame(data, start: int, size: int) -> "tuple[int, int]":
    """(end of the frame whose opening flag is data[start], start of its information).

    The end is UNDECIDED while more bytes are needed and NO_FRAME where none starts here, which is told as
    early as the header allows, so that a flag in noise does not swallow the frame behind it. `size` bounds
    the frame with its flags. The end is that of the closing flag, which may open the next frame as well.
    """
    end = len(data)
    if end > start + 1 and data[start + 1] & 0xF0 != TYPE_3:
        return NO_FRAME, 0
    if end < start + 3:
        return UNDECIDED, 0
    length = (data[start + 1] & 7) << 8 | data[start + 2]
    if not SHORTEST <= length <= size - 2:
        return NO_FRAME, 0
    check = start + length - 1  # where the FCS begins
    source = _address_end(data, start + 3, end)
    control = _address_end(data, source, end) if source > 0 else source
    if control <= 0:
        return control, 0
    header_end = control + 1
    if header_end == check:
        payload = check
    else:
        payload = header_end + 2
        if payload > check:
            return NO_FRAME, 0
        if end < payload:
            return UNDECIDED, 0
        if not _checks(data, start + 1, header_end):
            return NO_FRAME, 0
    if end < check + 3:
        return UNDECIDED, 0
    if data[check + 2] != FLAG or not _checks(data, start + 1, check):
        return NO_FRAME, 0
    return check + 3, payload


class FrameReader:
    """Cuts a byte stream into payloads; holds at most `size` bytes of it, and of a segmented payload.

    After noise the search goes on at the next flag of what was received, so a good frame behind it is not
    lost. `frames` counts good frames, `refused` what began like one and was not.
    """

    def __init__(self, size=1024):
        self._size = size
        self._buffer = b""
        self._segments = b""
        self._sender = None
        self.frames = 0
        self.refused = 0

    def feed(self, data) -> "list[bytes]":
        """The payloads (LLC header and APDU) that `data` completes."""
        payloads = []  # type: list[bytes]
        at = 0
        while at < len(data):
            room = self._size - len(self._buffer)
            self._scan(self._buffer + bytes(data[at : at + room]), payloads)
            at += room
        return payloads

    def _scan(self, data, payloads):
        at = 0
        while at < len(data):
            start = data.find(b"\x7e", at)
            if start != at:
                self._sender = None  # bytes are lost, perhaps a segment with them
                if start < 0:
                    at = len(data)
                    break
            end, payload = find_frame(data, start, self._size)
            if end == UNDECIDED:
                at = start
                break
            if end == NO_FRAME:
                self.refused += start + 1 < len(data) and data[start + 1] != FLAG
                at = start + 1
            else:
                self.frames += 1
                self._take(data, start, payload, end - 3, payloads)
                at = end - 1
        self._buffer = data[at:]

    def _take(self, data, start, payload, check, payloads):
        information = data[payload:check]
        sender = data[start + 3 : payload - 3]  # both addresses
        if self._sender == sender and not information.startswith(b"\xe6\xe7\x00"):
            information = self._segments + information
        self._sender = None
        if data[start + 1] & SEGMENTED:
            if len(information) <= self._size:
                self._segments = information
                self._sender = sender
        else:
            self._segments = b""
            if information:
                payloads.append(information)
