"""The label on a node's lid: its number, name and place, and a QR code with the claim, never a key.

The claim says which board is which node, so that whoever stands before it can look it up. What a label says
is pure; drawing it takes the packages `segno` (the code) and `pillow` (text; PNG and PDF).
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device_configs.model import Node, Site
from tools.node.trouble import Trouble

PACKAGES = {"segno": "segno", "PIL": "pillow"}
TYPEFACE, TYPEFACE_PACKAGE = "DejaVuSans.ttf", "fonts-dejavu-core"  # pillow's own has no æ, ø and å
DPI = 300
SIZE_MM = (62, 29)  # a common tape
_MARGIN = 18  # dots


@dataclass(frozen=True, slots=True)
class Label:
    """What it says: the claim goes into the code, the lines beside it."""

    node: int
    claim: str
    lines: tuple[str, ...]


def label_of(site: Site, node: Node, mac: str) -> Label:
    """Return the label of a node on the board with this MAC address (hex)."""
    claim = f"SN1:{site.id}:{node.id}:{mac}"
    lines = (f"{node.id}  {node.name}", node.place, f"{site.id} · {mac[-4:]} · {node.board}")
    return Label(node.id, claim, lines)


def missing_packages() -> list[str]:
    """Return the names of the packages that drawing lacks."""
    missing = [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if not missing:
        try:
            importlib.import_module("PIL.ImageFont").truetype(TYPEFACE)
        except OSError:
            missing.append(TYPEFACE_PACKAGE)
    return missing


def draw(label: Label, folder: Path) -> list[Path]:
    """Write the label as PNG and PDF into `folder`; return the files. Raises Trouble without the packages."""
    if missing := missing_packages():
        raise Trouble("no_label_package", packages=" ".join(missing))
    segno = importlib.import_module("segno")
    image, drawing, font = (importlib.import_module(f"PIL.{n}") for n in ("Image", "ImageDraw", "ImageFont"))
    width, height = (round(mm / 25.4 * DPI) for mm in SIZE_MM)
    picture = image.new("1", (width, height), 1)
    matrix = list(segno.make(label.claim, error="m", micro=False).matrix_iter(border=2))
    dots = (height - 2 * _MARGIN) // len(matrix)
    pen = drawing.Draw(picture)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                corner = (_MARGIN + x * dots, _MARGIN + y * dots)
                pen.rectangle((*corner, corner[0] + dots - 1, corner[1] + dots - 1), fill=0)
    left, top = 2 * _MARGIN + dots * len(matrix), 2 * _MARGIN
    for line, size in zip(label.lines, (40, 24, 24), strict=True):
        typeface = font.truetype(TYPEFACE, size)
        for part in wrapped(line, typeface.getlength, width - left - _MARGIN):
            pen.text((left, top), part, fill=0, font=typeface)
            top += round(size * 1.25)
        top += 8
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"node-{label.node}.{kind}" for kind in ("png", "pdf")]
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
