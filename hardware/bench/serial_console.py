"""The console of a real board: a serial port, kept open without resetting the chip."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import serial

from hardware.protocols import InstrumentError
from hardware.raw_prompt import run_script
from hardware.transcript import Transcript
from hardware.virtual.clock import Clock

_REOPEN_S = 0.1


class SerialConsole:
    """Opens `path` at once. A port that goes away with the supply is opened again when it is back.

    Raises InstrumentError where it can not be opened.
    """

    def __init__(self, path: str, clock: Clock, baud: int = 115200) -> None:
        self._path, self._baud = path, baud
        self._heard = Transcript(clock)
        self._port: serial.Serial | None = None
        self._lent = False
        self._reopening: asyncio.Task[None] | None = None
        self._open()

    def text(self) -> str:
        return self._heard.text()

    async def until(self, pattern: str, timeout_s: float, start: int = 0) -> re.Match[str]:
        return await self._heard.until(pattern, timeout_s, start)

    async def script(self, source: str, timeout_s: float = 10.0) -> str:
        return await run_script(self._write, self._heard, source, timeout_s)

    async def close(self) -> None:
        if self._reopening:
            self._reopening.cancel()
        self._shut()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[str]:
        """The port's path, for a program that opens it itself meanwhile."""
        self._lent = True
        self._shut()
        try:
            yield self._path
        finally:
            self._lent = False
            self._reopen()

    def _write(self, content: bytes) -> None:
        if self._port is None:
            raise InstrumentError(f"{self._path} is gone: has the board lost its USB supply?")
        try:
            self._port.write(content)
        except (serial.SerialException, OSError) as error:
            raise InstrumentError(f"{self._path} does not take what is sent: {error}") from error

    def _open(self) -> None:
        port = serial.Serial()
        port.port, port.baudrate, port.timeout, port.write_timeout = self._path, self._baud, 0, 2
        port.exclusive = True
        port.dtr = port.rts = False  # the auto-reset circuit would hold or reset the chip
        try:
            port.open()
        except (serial.SerialException, OSError) as error:
            raise InstrumentError(
                f"console {self._path} can not be opened: {error}. Is the adapter plugged in, is this user "
                f"in the group dialout, and does no other program use the port?"
            ) from error
        asyncio.get_running_loop().add_reader(port.fileno(), self._read)
        self._port = port

    def _read(self) -> None:
        assert self._port is not None
        try:
            content = os.read(self._port.fileno(), 4096)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if content:
            self._heard.hear(content)
        else:  # the port is gone
            self._shut()
            self._reopen()

    def _shut(self) -> None:
        if self._port is not None:
            asyncio.get_running_loop().remove_reader(self._port.fileno())
            self._port.close()
            self._port = None

    def _reopen(self) -> None:
        if self._reopening is None or self._reopening.done():
            self._reopening = asyncio.ensure_future(self._wait_for_port())

    async def _wait_for_port(self) -> None:
        while self._port is None and not self._lent:
            try:
                self._open()
            except InstrumentError:
                await asyncio.sleep(_REOPEN_S)
