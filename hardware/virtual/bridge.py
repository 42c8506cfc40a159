"""A USB LoRa bridge: a virtual board with a radio that runs the firmware's bridge role, on a cable."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from device_configs.board import Board as BoardDescription
from device_configs.compile import bridge_settings, settings_bytes
from hardware.virtual.board import Board, State
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import radio_wiring
from hardware.virtual.radio.medium import Antenna
from hardware.virtual.usb_port import UsbPort
from hardware.virtual.wiring import Wiring

_ROM = b"rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\nentry 0x400805e4\r\n"


class VirtualBridge:
    """Its port is `port` while it is plugged in. `firmware`: the files on its flash, without settings.

    `tap` sees what the bridge prints, before the cable does anything to it.
    """

    def __init__(
        self,
        folder: Path,
        port: Path,
        antenna: Antenna,
        kind: BoardDescription,
        firmware: Mapping[str, bytes],
        **board: Any,
    ) -> None:
        assert kind.sx1262 is not None
        spi, pins = radio_wiring(kind.sx1262, antenna)
        self.tap: Callable[[bytes], None] = lambda content: None
        self.board = Board(
            antenna.name,
            folder,
            Wiring(spi=spi, pins=pins),
            clock=RealClock(),
            chip=kind.chip,
            prompt=True,
            **board,
        )
        self.board.console.listener = self._printed
        self.board.install({**firmware, "settings.json": settings_bytes(bridge_settings(kind))})
        self.port = UsbPort(port, self.board.type, lambda: None, self._pulled)
        self._stopping: asyncio.Task[None] | None = None

    async def plug(self) -> None:
        """Put the cable in: the board gets power, the ROM speaks, the program starts."""
        if self._stopping:
            await self._stopping
        self.port.plug()
        self.port.send(_ROM)
        if self.board.state is State.OFF:
            await self.board.power_on()

    async def unplug(self) -> None:
        """Pull the cable."""
        self.port.unplug()
        await self.board.power_cut()

    async def close(self) -> None:
        await self.unplug()
        await self.board.close()

    def _printed(self, content: bytes) -> None:
        self.tap(content)
        self.port.send(content)

    def _pulled(self) -> None:
        self._stopping = asyncio.create_task(self.board.power_cut(), name="a pulled bridge")
