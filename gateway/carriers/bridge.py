"""The LoRa carrier of a USB bridge: an ESP32 with an SX1262 that runs the firmware's bridge role."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import serial
import structlog

from device_configs.radio_schema import Lora
from gateway.carriers.bridge_talk import Talk
from gateway.carriers.receivers import Receivers
from gateway.model import Downlink, Uplink
from wire.bridge import BAUD

log = structlog.get_logger()

INBOX_MAX = 4096
UNSENT_MAX = 4096
REOPEN_S = 0.5
TICK_S = 0.1


class BridgeCarrier:
    """The bridge at the serial port `port`, which may come and go: unplugged, reset, plugged in again."""

    name = "bridge"

    def __init__(self, lora: Lora, receivers: Receivers, port: str) -> None:
        self._receivers = receivers
        self._port = port
        self._serial: serial.Serial | None = None
        self._unsent = bytearray()
        self._lost = asyncio.Event()
        self._inbox: asyncio.Queue[Uplink] = asyncio.Queue(INBOX_MAX)
        self.talk = Talk(
            lora,
            receivers,
            deliver=self._deliver,
            write=self._write,
            now_s=lambda: asyncio.get_running_loop().time(),
        )

    @property
    def connected(self) -> bool:
        return self._serial is not None and self.talk.connected

    @property
    def counts(self) -> Counter[str]:
        """What was dropped and not sent, by cause, and what the bridge says of itself."""
        return self.talk.counts

    def _deliver(self, uplink: Uplink) -> None:
        try:
            self._inbox.put_nowait(uplink)
        except asyncio.QueueFull:
            self.counts["dropped: too many at once"] += 1

    async def uplinks(self) -> AsyncGenerator[list[Uplink]]:
        """Yield what has arrived since the last time, at least one; for ever."""
        line = asyncio.create_task(self._keep_open(), name=f"bridge at {self._port}")
        try:
            while True:
                batch = [await self._inbox.get()]
                while not self._inbox.empty():
                    batch.append(self._inbox.get_nowait())
                yield batch
        finally:
            line.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await line

    async def send(self, downlinks: Sequence[Downlink]) -> None:
        """Send `downlinks` in their receive windows."""
        self._receivers.send(self.talk, downlinks)

    # The port

    async def _keep_open(self) -> None:
        told = ""
        while True:
            try:
                port = serial.Serial(self._port, BAUD, timeout=0, exclusive=True)
            except (OSError, ValueError) as error:  # SerialException is an OSError
                if str(error) != told:
                    told = str(error)
                    log.warning("bridge_port", port=self._port, reason=told)
                await asyncio.sleep(REOPEN_S)
                continue
            told = ""
            log.info("bridge_port_open", port=self._port)
            try:
                await self._serve(port)
            finally:
                self._close()
            log.warning("bridge_port_gone", port=self._port)

    async def _serve(self, port: serial.Serial) -> None:
        """Talk over an open port until it is gone."""
        self._serial = port
        self._lost.clear()
        os.set_blocking(port.fileno(), False)
        asyncio.get_running_loop().add_reader(port.fileno(), self._readable)
        self.talk.opened()
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), TICK_S)
            self.talk.tick()

    def _close(self) -> None:
        port, self._serial = self._serial, None
        if port is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(port.fileno())
            loop.remove_writer(port.fileno())
            self._unsent.clear()
            port.close()
            self.talk.closed()

    def _readable(self) -> None:
        assert self._serial is not None
        try:
            content = os.read(self._serial.fileno(), 4096)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if content:
            self.talk.received(content)
        else:  # the end of the file: the cable was pulled
            self._lose()

    def _lose(self) -> None:
        if self._serial is not None:
            asyncio.get_running_loop().remove_reader(self._serial.fileno())
        self._lost.set()

    def _write(self, content: bytes) -> None:
        if self._serial is None or self._lost.is_set():
            return
        if len(self._unsent) + len(content) > UNSENT_MAX:
            self._unsent.clear()  # nobody at the other end: what is left of it is said again
            self.counts["dropped: the cable takes nothing"] += 1
        self._unsent += content
        self._flush()

    def _flush(self) -> None:
        assert self._serial is not None
        descriptor = self._serial.fileno()
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                del self._unsent[: os.write(descriptor, self._unsent)]
        except BlockingIOError:
            loop.add_writer(descriptor, self._flush)
            return
        except OSError:
            self._lose()
        loop.remove_writer(descriptor)
