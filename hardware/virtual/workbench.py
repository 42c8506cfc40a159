"""A board on the workbench: a virtual board on a USB cable, whose chip can be flashed as well.

Flash has the layout of MicroPython's 4 MiB builds: the program from the chip's boot offset, the file system
in the second half. Without a program the ROM complains in a loop; with one MicroPython runs.
"""

import asyncio
from pathlib import Path
from typing import Any

from hardware.virtual import flash
from hardware.virtual.board import Board, State
from hardware.virtual.rom_loader import RomLoader
from hardware.virtual.run import Chip
from hardware.virtual.usb_port import UsbPort

BOOT_OFFSET = {"esp32": 0x1000, "esp32s3": 0x0}
FILE_SYSTEM_AT = 0x200000
FLASH_SIZE = 4 << 20
_IMAGE_MAGIC = 0xE9
_SYNC = b"\xc0\x00\x08"  # how a flasher begins: its auto-reset has put the chip into download mode
_CTRL_C = b"\r\x03"  # nobody says this to a loader: somebody wants the prompt
_BANNER = b"rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1))\r\nwaiting for download\r\n"
_NOTHING = b"rst:0x10 (RTCWDT_RTC_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n"
_HALF = b"rst:0x10 (RTCWDT_RTC_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\ncsum err:0x9a!=0x5f\r\n"
_COMPLAIN_S = 0.3


class BoardOnBench:
    """`program` is what lies at the boot offset: b"" for a board fresh from the factory.

    `board` options go to the virtual board. Its port is `port` while it is plugged in.
    """

    def __init__(
        self, name: str, folder: Path, port: Path, *, chip: Chip = "esp32", program: bytes = b"", **board: Any
    ) -> None:
        self.chip = chip
        self.board = Board(name, folder, chip=chip, prompt=True, **board)
        self.board.console.listener = self._printed
        self.port = UsbPort(port, self._heard, self._closed, self._pulled)
        self.flash = bytearray(b"\xff" * FLASH_SIZE)
        start = BOOT_OFFSET[chip]
        self.flash[start : start + len(program)] = program
        if not self.board.image.exists():
            flash.make_blank(self.board.image)
        self._half_written = False
        self._supplied = True
        self._files = b""  # its file system, when download mode began
        self._loader: RomLoader | None = None
        self._task: asyncio.Task[None] | None = None
        self.resets = (
            True  # after flashing; else it waits for a power-on, as esptool leaves it without a reset
        )
        self.entered = 0  # times it was put into download mode

    @property
    def mac(self) -> bytes:
        return self.board.unique_id

    @property
    def has_program(self) -> bool:
        return self.flash[BOOT_OFFSET[self.chip]] == _IMAGE_MAGIC and not self._half_written

    async def plug(self) -> None:
        """Put the cable in: the board gets power and starts."""
        self.port.plug()
        await self._start()

    async def unplug(self) -> None:
        """Pull the cable."""
        self.port.unplug()
        await self._stop()

    async def supply(self, on: bool) -> None:
        """Switch the board's supply, where its port is an adapter's that has another."""
        self._supplied = on
        await (self._start() if on else self._stop())

    async def close(self) -> None:
        await self.unplug()
        if self._task:
            self._task.cancel()
        await self.board.close()

    async def _start(self) -> None:
        if self.has_program:
            if self.board.state is State.OFF:
                await self.board.power_on()
        else:
            self._then(self._complain())

    async def _complain(self) -> None:
        while True:
            self.port.send(_HALF if self._half_written else _NOTHING)
            await asyncio.sleep(_COMPLAIN_S)

    async def _stop(self) -> None:
        if self._loader:
            self._leave_loader()
        if self._task:
            self._task.cancel()
        await self.board.power_cut()

    def _then(self, work: Any) -> None:
        if self._task:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(work, name="board on the bench")

    def _printed(self, content: bytes) -> None:
        if not self._loader:
            self.port.send(content)

    def _heard(self, content: bytes) -> None:
        if not self._supplied:
            return
        if self._loader is None and _SYNC in content:
            self._enter_loader()
        elif self._loader and self._loader.between_packets and content.startswith(_CTRL_C):
            # A new conversation that began before the end of the last one was noticed.
            self._closed()
        if self._loader:
            self.port.send(self._loader.receive(content))
        else:
            self.board.type(content)

    def _closed(self) -> None:
        if self._loader:
            self._leave_loader()
            if self.resets:
                self._then(self._start())

    def _pulled(self) -> None:
        self._then(self._stop())

    def _enter_loader(self) -> None:
        self.entered += 1
        if self._task:
            self._task.cancel()
        if self.board.state is not State.OFF:
            self._then(self.board.power_cut())
        self.flash[FILE_SYSTEM_AT:] = self._files = self.board.image.read_bytes()
        self._loader = RomLoader(self.chip, self.mac, self.flash, lambda: None)
        self.port.send(_BANNER)

    def _leave_loader(self) -> None:
        if self._loader and self._loader.begun:
            self._half_written = self._loader.unfinished
        self._loader = None
        content = bytes(self.flash[FILE_SYSTEM_AT:])
        if content != self._files:
            self.board.image.write_bytes(content)
