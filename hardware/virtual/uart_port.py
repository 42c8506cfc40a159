"""The board's UARTs: bytes travel at the line's speed, and into garbage when the two ends disagree on it."""

import array
import asyncio
import contextlib
import fcntl
import os
import struct
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import BoardClock
from hardware.virtual.wiring import UartLine

_INIT = struct.Struct("<BBBIBBBH")
_PARITIES = "NOE"
# The ESP32's driver passes bytes on when its FIFO holds this many, or after this many idle characters.
_FIFO_BYTES = 120
_IDLE_CHARACTERS = 10


@dataclass(slots=True)
class _Open:
    settings: LineSettings
    chip: SerialChip | None
    buffer_size: int
    speaking: asyncio.Task[None] | None
    line_free_s: float = 0.0


class UartPorts:
    """All UARTs of one run. `pipes`: number -> (read end, write end) of what the node receives."""

    def __init__(
        self, lines: Sequence[UartLine], pipes: dict[int, tuple[int, int]], clock: BoardClock
    ) -> None:
        self._lines = lines
        self._pipes = pipes
        self._clock = clock
        self._ports: dict[int, _Open] = {}
        self._closed = False

    def init(self, request: bytes) -> None:
        number, tx, rx, baud, bits, parity, stop, buffer_size = _INIT.unpack(request)
        self._stop(number)
        self._drain(number)
        settings = LineSettings(baud, bits, _PARITIES[parity], stop)
        chip = next((line.chip for line in self._lines if line.rx == rx), None)
        hears = any(line.tx == tx and line.chip is chip for line in self._lines)
        port = _Open(settings, chip if hears else None, buffer_size, None)
        self._ports[number] = port
        if chip and number in self._pipes:
            chip.send = lambda content: self._arrive(number, content, chip.line)
            port.speaking = asyncio.create_task(chip.run(), name=f"uart {number} of a virtual board")

    def write(self, request: bytes) -> None:
        port = self._ports.get(request[0])
        if port and port.chip and port.chip.answers:
            port.chip.received(_over_the_line(request[1:], port.settings, port.chip.line))

    def waiting(self, number: int) -> int:
        """Bytes received and not yet read."""
        if number not in self._pipes:
            return 0
        count = array.array("i", [0])
        fcntl.ioctl(self._pipes[number][0], termios.FIONREAD, count)
        return count[0]

    def close(self, number: int) -> None:
        self._stop(number)
        self._ports.pop(number, None)

    def close_all(self) -> None:
        """The run has ended: nothing reaches the pipes any more."""
        self._closed = True
        for number in list(self._ports):
            self.close(number)

    def _stop(self, number: int) -> None:
        port = self._ports.get(number)
        if port and port.speaking:
            port.speaking.cancel()

    def _arrive(self, number: int, content: bytes, sent_with: LineSettings) -> None:
        port = self._ports.get(number)
        if port is None:
            return
        content = _over_the_line(content, sent_with, port.settings)
        now_s = self._clock.monotonic_s()
        at_s = max(now_s, port.line_free_s)
        for i in range(0, len(content), _FIFO_BYTES):
            burst = content[i : i + _FIFO_BYTES]
            at_s += len(burst) * sent_with.byte_s
            idle_s = _IDLE_CHARACTERS * sent_with.byte_s if len(burst) < _FIFO_BYTES else 0.0
            self._clock.call_later(at_s + idle_s - now_s, partial(self._deliver, number, port, burst))
        port.line_free_s = at_s

    def _deliver(self, number: int, port: _Open, burst: bytes) -> None:
        if self._closed or self._ports.get(number) is not port:
            return
        room = max(0, port.buffer_size - self.waiting(number))
        with contextlib.suppress(BlockingIOError):
            os.write(self._pipes[number][1], burst[:room])  # the rest finds the receive buffer full

    def _drain(self, number: int) -> None:
        if number in self._pipes:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._pipes[number][0], 65536):
                    pass


def _over_the_line(content: bytes, sender: LineSettings, receiver: LineSettings) -> bytes:
    if sender == receiver:
        return content
    if sender.baud == receiver.baud and sender.bits == receiver.bits and sender.parity == receiver.parity:
        return content  # only the number of stop bits differs
    # Framing errors: what comes out is not text and no frame, but some of it comes out.
    return bytes(byte | 0x80 for byte in content[::2])
