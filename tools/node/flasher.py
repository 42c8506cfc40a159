"""The chip in download mode, by esptool: what it is, and MicroPython onto it. Nothing is erased unasked."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hardware.bench.flasher import BAUD, BOOT_OFFSET, FILE_SYSTEM_AT, esptool
from tools.node import ports
from tools.node.trouble import Trouble

CHIPS = {"ESP32": "esp32", "ESP32-S3": "esp32s3"}
# Chip ids in an image's header, at byte 12 (Espressif: "Firmware Image Format").
IMAGE_CHIP = {"esp32": 0, "esp32s3": 9}
_MAGIC = 0xE9
_CHIP = re.compile(r"Connected to (ESP32\S*)")
_MAC = re.compile(r"MAC:\s+((?:[0-9a-f]{2}:){5}[0-9a-f]{2})", re.IGNORECASE)
_GONE = re.compile(r"Errno [56]\b|Input/output|disconnected|multiple access|Could not open|port is busy")


@dataclass(frozen=True, slots=True)
class Chip:
    """What hangs on a port: the chip's name as boards/*.yaml has it, and its MAC address in hex."""

    name: str
    mac: str


def identify(port: str) -> Chip:
    """Return the chip behind `port`; the board is in its program again afterwards. Raises Trouble."""
    printed = _esptool(port, "auto", "chip-id")
    chip, mac = _CHIP.search(printed), _MAC.search(printed)
    if not chip or not mac:
        raise Trouble("no_chip", detail=printed, port=port)
    return Chip(CHIPS.get(chip[1], chip[1].lower()), mac[1].replace(":", "").lower())


def image_for(chip: str, folder: Path) -> Path:
    """Return MicroPython's image for a chip, the newest in `folder`. Raises Trouble, also for a wrong one."""
    prefix = {"esp32": "ESP32_GENERIC-", "esp32s3": "ESP32_GENERIC_S3-"}[chip]
    found = sorted(folder.glob(f"{prefix}*.bin")) if folder.is_dir() else []
    if not found:
        raise Trouble("no_image", chip=chip, folder=folder, name=f"{prefix}<date>-v<version>.bin")
    return check_image(found[-1], chip)


def check_image(image: Path, chip: str) -> Path:
    """Return `image` if it is a program for this chip. Raises Trouble."""
    try:
        head = image.read_bytes()[:16]
    except OSError as error:
        raise Trouble("no_image", chip=chip, folder=image.parent, name=image.name) from error
    if len(head) < 16 or head[0] != _MAGIC or int.from_bytes(head[12:14], "little") != IMAGE_CHIP[chip]:
        raise Trouble("bad_image", image=image, chip=chip)
    return image


def write(port: str, chip: str, image: Path, told: Callable[[float], None], baud: int = BAUD) -> str:
    """Write MicroPython and compare it with what is on the chip; return the image's SHA-256.

    Only the program's sectors are written: the file system, so the node's identity and records, stays.
    esptool itself refuses another chip than `chip`. Raises Trouble.
    """
    check_image(image, chip)
    arguments = ["write-flash", hex(BOOT_OFFSET[chip]), str(image)]
    printed = _esptool(port, chip, *arguments, baud=baud, told=told)
    if "Hash of data verified" not in printed:
        raise Trouble("flash_failed", detail=printed, port=port)
    return hashlib.sha256(image.read_bytes()).hexdigest()


def erase_files(port: str, chip: str, image: Path, told: Callable[[float], None]) -> None:
    """Replace the board's file system by `image`: identity and records are gone. Raises Trouble."""
    arguments = ["write-flash", hex(FILE_SYSTEM_AT), str(image)]
    printed = _esptool(port, chip, *arguments, baud=BAUD, told=told)
    if "Hash of data verified" not in printed:
        raise Trouble("flash_failed", detail=printed, port=port)


def _esptool(
    port: str, chip: str, *arguments: str, baud: int = 115200, told: Callable[[float], None] | None = None
) -> str:
    ended = esptool(port, chip, *arguments, baud=baud, told=told)
    if ended.ok:
        return ended.printed
    printed = ended.printed
    key, found = _judge(printed, port), re.search(r"This chip is (\S+), not", printed)
    is_chip = CHIPS.get(found[1], found[1]) if found else "?"
    raise Trouble(key, detail=printed, port=port, found=is_chip, wanted=chip, tool="esptool")


def _judge(printed: str, port: str) -> str:
    """Return which trouble it is that esptool tells of."""
    connected = "Connected to" in printed
    if "No module named esptool" in printed:
        return "tool_missing"
    if "Wrong chip argument" in printed:
        return "wrong_chip"
    if "Permission denied" in printed and not connected:
        return "port_denied"
    if ports.is_none(port, printed):
        return "not_a_port"
    if not Path(port).exists() or _GONE.search(printed):
        return "unplugged" if connected else "port_busy" if Path(port).exists() else "port_gone"
    return "flash_failed" if connected else "no_chip"
