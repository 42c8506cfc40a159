"""The chip's flash by esptool, whose loader in the ROM is always there."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hardware.bench.serial_console import SerialConsole
from hardware.protocols import InstrumentError
from hardware.virtual.flash import BLOCK_SIZE, make_image

BOOT_OFFSET = {"esp32": 0x1000, "esp32s3": 0x0}
FILE_SYSTEM_AT = 0x200000  # in the partition tables of MicroPython's builds
BAUD = 460800
_PATIENCE = Path(__file__).with_name("esptool.txt")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of esptool ended."""

    ok: bool
    printed: str


def esptool(
    port: str,
    chip: str,
    *arguments: str,
    baud: int = 115200,
    after: str = "hard-reset",
    told: Callable[[float], None] | None = None,
) -> Ended:
    """Run esptool; `told` hears the share that is done, `after` is what becomes of the chip then."""
    # The loader in the ROM is all this needs, and the one thing that is always there.
    options = ["--chip", chip, "--port", port, "--baud", str(baud), "--no-stub"]
    command = [sys.executable, "-P", "-m", "esptool", *options, "--after", after, *arguments]
    environment = {**os.environ, "ESPTOOL_CFGFILE": str(_PATIENCE)}
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if told and (share := _PERCENT.search(line)):
                told(float(share[1]) / 100)
    return Ended(process.returncode == 0, "".join(lines))


class EsptoolFlasher:
    """`image` is MicroPython for this chip, `flash_mb` the size of its flash."""

    def __init__(
        self, console: SerialConsole, chip: str, image: Path, flash_mb: int, baud: int = BAUD
    ) -> None:
        self._console, self._chip, self._image = console, chip, image
        self._blocks = (flash_mb * 1024 * 1024 - FILE_SYSTEM_AT) // BLOCK_SIZE
        self._baud = baud

    async def program(self) -> None:
        if not self._image.is_file():
            raise InstrumentError(f"{self._image} is missing: put MicroPython's image for {self._chip} there")
        await self._write(BOOT_OFFSET[self._chip], self._image)

    async def files(self, tree: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            image = Path(folder) / "files.bin"
            await asyncio.to_thread(make_image, image, tree, self._blocks)
            await self._write(FILE_SYSTEM_AT, image)

    async def _write(self, offset: int, image: Path) -> None:
        async with self._console.lent() as port:
            ended = await asyncio.to_thread(
                esptool,
                port,
                self._chip,
                "write-flash",
                hex(offset),
                str(image),
                baud=self._baud,
                after="no-reset",
            )
        if not ended.ok or "Hash of data verified" not in ended.printed:
            raise InstrumentError(f"esptool could not write {image.name}:\n{ended.printed[-1500:]}")
