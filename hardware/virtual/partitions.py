"""Two partitions for programs on a virtual board, and the images that its bootloader starts.

An image has the head of a program for the ESP32 (Espressif: "App Image Format") and, in the place of machine
code and frozen modules, a file system with the modules: see shims/_programs.py. MicroPython is the host's.
"""

import struct
from collections.abc import Mapping
from pathlib import Path

from littlefs import LittleFS

from hardware.virtual.flash import BLOCK_SIZE, wear_path

SMALL = 512
PARTITION_BLOCKS = 100
STATES = ("new", "pending", "valid", "invalid", "aborted")
_ERASED = b"\xff"
_ENTRY = struct.Struct("<I20sII")  # otadata: sequence number, label, state, CRC


def program_image(files: Mapping[str, bytes], chip_id: int) -> bytes:
    """Return an image with these modules (path -> content) frozen in it."""
    blocks = sum(-(-len(content) // SMALL) + 1 for content in files.values()) * 5 // 4 + 16
    frozen = LittleFS(block_size=SMALL, block_count=blocks)
    for name, content in files.items():
        if "/" in name:
            frozen.makedirs("/" + name.rpartition("/")[0], exist_ok=True)
        with frozen.open("/" + name, "wb") as file:
            file.write(content)
    head = bytearray(_ERASED * BLOCK_SIZE)
    head[:16] = bytes((0xE9, 1, 2, 0x20)) + bytes(8) + chip_id.to_bytes(2, "little") + bytes(2)
    head[32:36] = b"\x32\x54\xcd\xab"
    head[64:68] = blocks.to_bytes(4, "little")
    return bytes(head) + bytes(frozen.context.buffer)


def make_partitions(flash: Path, image: bytes) -> None:
    """Give the board whose flash this is two partitions, with an image in the first."""
    path = path_of(flash)
    size = PARTITION_BLOCKS * BLOCK_SIZE
    path.write_bytes(image + _ERASED * (2 * size + 2 * BLOCK_SIZE - len(image)))
    wear_path(path).write_bytes(bytes(8 * (2 * PARTITION_BLOCKS + 2)))


def started_next(flash: Path) -> tuple[str, str]:
    """Return the partition that starts next, and its state ("" where nothing was ever chosen)."""
    raw = path_of(flash).read_bytes()[2 * PARTITION_BLOCKS * BLOCK_SIZE :]
    entries = [_ENTRY.unpack_from(raw, n * BLOCK_SIZE) for n in (0, 1)]
    states = [(sequence, STATES[state]) for sequence, _, state, _ in entries if sequence != 0xFFFFFFFF]
    good = [entry for entry in states if entry[1] not in ("invalid", "aborted")]
    if not good:
        return "ota_0", ""
    sequence, state = max(good)
    return f"ota_{(sequence - 1) % 2}", state


def path_of(flash: Path) -> Path:
    """Return the file of the partitions of the board whose flash this is."""
    return flash.with_name(flash.name + ".programs")
