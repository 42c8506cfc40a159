"""The node's flash while the board is off: littlefs images, files in them, wear and power cuts."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from littlefs import LittleFS, LittleFSError

BLOCK_SIZE = 4096
BLOCKS = 512
_ERASED = b"\xff"
_WEAR = struct.Struct("<II")


class FlashError(Exception):
    """An image that holds no readable file system, or no room for the files."""


@dataclass(frozen=True, slots=True)
class PowerCut:
    """The supply fails at the `at`-th flash operation (erase or write); `torn`: half of that one is done."""

    at: int
    torn: bool = False


@dataclass(frozen=True, slots=True)
class Wear:
    """Erases and writes per block since the image was made."""

    erases: tuple[int, ...]
    writes: tuple[int, ...]

    @property
    def operations(self) -> int:
        return sum(self.erases) + sum(self.writes)


def make_image(path: Path, tree: Mapping[str, bytes], blocks: int = BLOCKS) -> None:
    """A fresh littlefs with `tree` (path -> content) in it; wear starts at zero."""
    files = LittleFS(block_size=BLOCK_SIZE, block_count=blocks)
    _write(files, tree, path)
    _save(path, bytes(files.context.buffer))
    wear_path(path).write_bytes(bytes(_WEAR.size * blocks))


def make_blank(path: Path, blocks: int = BLOCKS) -> None:
    """Erased flash, as it comes from the factory."""
    _save(path, _ERASED * (BLOCK_SIZE * blocks))
    wear_path(path).write_bytes(bytes(_WEAR.size * blocks))


def read_image(path: Path) -> dict[str, bytes]:
    """All files of an image by their path without a leading slash."""
    files = _open(path)
    tree: dict[str, bytes] = {}
    for folder, _, names in files.walk("/"):
        for name in names:
            full = f"{folder.rstrip('/')}/{name}"
            with files.open(full, "rb") as file:
                tree[full.lstrip("/")] = file.read()
    return tree


def change_image(path: Path, changes: Mapping[str, bytes | None]) -> None:
    """Replaces or adds files; None removes one. Wear is not counted: this is a programmer, not the node."""
    files = _open(path)
    for name in [name for name, content in changes.items() if content is None]:
        files.remove("/" + name)
    _write(files, {name: content for name, content in changes.items() if content is not None}, path)
    _save(path, bytes(files.context.buffer))


def read_wear(path: Path) -> Wear:
    """The counters of an image."""
    pairs = list(_WEAR.iter_unpack(wear_path(path).read_bytes()))
    return Wear(tuple(erases for erases, _ in pairs), tuple(writes for _, writes in pairs))


def wear_path(path: Path) -> Path:
    return path.with_name(path.name + ".wear")


def _open(path: Path) -> LittleFS:
    content = path.read_bytes()
    files = LittleFS(block_size=BLOCK_SIZE, block_count=len(content) // BLOCK_SIZE, mount=False)
    files.context.buffer = bytearray(content)
    try:
        files.mount()
    except LittleFSError as error:
        raise FlashError(f"{path} holds no littlefs file system: {error}") from error
    return files


def _write(files: LittleFS, tree: Mapping[str, bytes], path: Path) -> None:
    for name, content in tree.items():
        folder = name.rpartition("/")[0]
        try:
            if folder:
                files.makedirs("/" + folder, exist_ok=True)
            with files.open("/" + name, "wb") as file:
                file.write(content)
        except LittleFSError as error:
            raise FlashError(f"{path}: cannot write {name} ({len(content)} bytes): {error}") from error


def _save(path: Path, content: bytes) -> None:
    """Blocks at the end that were never used become a hole in the file: many boards share one disk."""
    size = len(content)
    used = len(content.rstrip(_ERASED))
    kept = max(BLOCK_SIZE, -(-used // BLOCK_SIZE) * BLOCK_SIZE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content[:kept])
        file.truncate(size)
