"""Power by a USB relay board of the widespread "USBRelay" kind (16c0:05df), by Linux's hidraw.

One feature report of eight bytes, without a report number. To the board: command, relay from 1, zeros;
0xFF switches on, 0xFD off. From the board: five characters of its serial number, two bytes of no
meaning, and the state with relay 1 in the lowest bit.
Source: the protocol as free drivers of these boards (usbrelay) implement it.
"""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Protocol

from hardware.protocols import InstrumentError

SIZE = 8
RELAYS_MAX = 8
_ON, _OFF = 0xFF, 0xFD
_WRITE_READ, _SET, _GET = 3, 0x06, 0x07  # of an ioctl's number: direction; HIDIOCSFEATURE, HIDIOCGFEATURE


class FeatureReports(Protocol):
    """A HID device's feature report. Both raise OSError."""

    def send(self, report: bytes) -> None: ...

    def receive(self, size: int) -> bytes: ...


def command(relay: int, on: bool) -> bytes:
    """Return the report that switches one relay, counted from 1."""
    if not 1 <= relay <= RELAYS_MAX:
        raise ValueError(f"relay {relay}: they are counted from 1 to {RELAYS_MAX}")
    return bytes((_ON if on else _OFF, relay)).ljust(SIZE, b"\0")


def state(report: bytes, relay: int) -> bool:
    """Return whether a relay is on, by the board's report. Raises ValueError for a report of another kind."""
    if len(report) != SIZE or not report[:5].isascii() or not report[:5].decode("ascii").isprintable():
        raise ValueError(f"{report.hex()} is no report of a USB relay board")
    return bool(report[7] >> relay - 1 & 1)


def request_number(number: int, size: int) -> int:
    """Return the ioctl request of hidraw for a feature report of `size` bytes, report number included."""
    return _WRITE_READ << 30 | size << 16 | ord("H") << 8 | number


class Hidraw:
    """The device /dev/hidrawN. Raises InstrumentError where it can not be opened."""

    def __init__(self, path: Path) -> None:
        try:
            self._device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise InstrumentError(
                f"relay {path} can not be opened: {error.strerror}. Is it plugged in, and does the udev rule "
                f"of hardware/README.md let this user open it?"
            ) from error

    def send(self, report: bytes) -> None:
        content = b"\0" + report  # report number 0: the device has none
        fcntl.ioctl(self._device, request_number(_SET, len(content)), content)

    def receive(self, size: int) -> bytes:
        answer = bytearray(size + 1)
        count = fcntl.ioctl(self._device, request_number(_GET, len(answer)), answer)
        # Kernels put the report behind its number 0 or, with some drivers, where the number would be.
        found = bytes(answer[1:] if answer[0] == 0 else answer[:size])
        if count < size:
            raise OSError(f"the relay board answered {count} bytes")
        return found

    def close(self) -> None:
        os.close(self._device)


class RelayPower:
    """The board's supply behind one relay. `inverted`: the supply is on the contact that opens.

    `off_s`: so long it stays off at least, until the board's capacitors are empty.
    """

    def __init__(
        self, board: FeatureReports, relay: int, *, inverted: bool = False, off_s: float = 0.0
    ) -> None:
        self._board, self._relay, self._inverted, self._off_s = board, relay, inverted, off_s

    async def on(self) -> None:
        self._switch(True)

    async def off(self) -> None:
        if self._switch(False):
            await asyncio.sleep(self._off_s)

    def _switch(self, on: bool) -> bool:
        """Return whether it was otherwise before. Raises InstrumentError."""
        wanted = on != self._inverted
        try:
            before = state(self._board.receive(SIZE), self._relay)
            self._board.send(command(self._relay, wanted))
            found = state(self._board.receive(SIZE), self._relay)
        except (OSError, ValueError) as error:
            raise InstrumentError(f"relay {self._relay}: {error}. Is the relay board plugged in?") from error
        if found != wanted:
            asked = "on" if wanted else "off"
            raise InstrumentError(f"relay {self._relay} was told {asked} and is not: has the board so many?")
        return before != wanted
