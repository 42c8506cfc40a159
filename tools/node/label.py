"""The label on a lid: what the board is and where it belongs, and a QR code with the claim, never a key.

The claim says which board is which node, so that whoever stands before it can look it up. What a label says
is pure. The packages that draw are imported only when a label is drawn: other commands start faster.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device_configs.model import Node, Site
from tools.node.trouble import Trouble

TYPEFACE, TYPEFACE_PACKAGE = "DejaVuSans.ttf", "fonts-dejavu-core"  # pillow's own has no æ, ø and å
DPI = 300
SIZE_MM = (62, 29)  # a common tape
_MARGIN = 18  # dots


@dataclass(frozen=True, slots=True)
class Label:
    """What it says: the claim goes into the code, the lines beside it; `name` is that of its files."""

    name: str
    claim: str
    lines: tuple[str, ...]


def label_of(site: Site, node: Node, mac: str) -> Label:
    """Return the label of a node on the board with this MAC address (hex)."""
    claim = f"SN1:{site.id}:{node.id}:{mac}"
    lines = (f"{node.id}  {node.name}", node.place, f"{site.id} · {mac[-4:]} · {node.board}")
    return Label(f"node-{node.id}", claim, lines)


def bridge_label(site: Site, board: str, mac: str, title: str) -> Label:
    """Return the label of a bridge; `title` says in words what it is."""
    lines = (title, site.name, f"{site.id} · {mac[-4:]} · {board}")
    return Label(f"bridge-{mac[-4:]}", f"SN1:{site.id}:bridge:{mac}", lines)


def open_folder(folder: Path) -> None:
    """Make the folder for labels; raises OSError where none can be put there, before a board is worked on."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def missing_packages() -> list[str]:
    """Return the names of the Debian packages that drawing lacks."""
    from PIL import ImageFont

    try:
        ImageFont.truetype(TYPEFACE)
    except OSError:
        return [TYPEFACE_PACKAGE]
    return []


def draw(label: Label, folder: Path) -> list[Path]:
    """Write the label as PNG and PDF into `folder`; return the files. Raises Trouble without the typeface."""
    import segno
    from PIL import Image, ImageDraw, ImageFont

    if missing := missing_packages():
        raise Trouble("no_label_package", packages=" ".join(missing))
    width, height = (round(mm / 25.4 * DPI) for mm in SIZE_MM)
    picture = Image.new("1", (width, height), 1)
    matrix = list(segno.make(label.claim, error="m", micro=False).matrix_iter(border=2))
    dots = (height - 2 * _MARGIN) // len(matrix)
    pen = ImageDraw.Draw(picture)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                corner = (_MARGIN + x * dots, _MARGIN + y * dots)
                pen.rectangle((*corner, corner[0] + dots - 1, corner[1] + dots - 1), fill=0)
    left, top = 2 * _MARGIN + dots * len(matrix), 2 * _MARGIN
    for line, size in zip(label.lines, (40, 24, 24), strict=True):
        typeface = ImageFont.truetype(TYPEFACE, size)
        for part in wrapped(line, typeface.getlength, width - left - _MARGIN):
            pen.text((left, top), part, fill=0, font=typeface)
            top += round(size * 1.25)
        top += 8
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{label.name}.{kind}" for kind in ("png", "pdf")]
    for file in files:
        picture.save(file, resolution=DPI, dpi=(DPI, DPI))
    return files


def wrapped(text: str, length: Callable[[str], float], room: float) -> list[str]:
    """Return `text` in lines of at most `room`, broken between words where that is possible."""
    lines: list[str] = []
    for word in text.split():
        if lines and length(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
