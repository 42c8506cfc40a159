"""A node's site sheet: what has to be known before it counts as commissioned. Pure but for the photo's file.

The height is the geometry in nodes.yaml, the zero reference a calibration there of each level or depth, and
the photo a file photos/<node>-*.jpg or .png in the site's folder. A zero found later is a new revision with
its own date, for the past too.
"""

from dataclasses import dataclass
from pathlib import Path

from device_configs.model import Node

PHOTOS = (".jpg", ".jpeg", ".png")
_ZEROED = {"level_mm", "depth_mm"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is there; None: a node of this kind needs none."""

    height: bool | None
    zero: bool | None
    photo: bool

    @property
    def missing(self) -> list[str]:
        """Return which of "height", "zero", "photo" are missing."""
        found = {"height": self.height, "zero": self.zero, "photo": self.photo}
        return [name for name, there in found.items() if there is False]


def sheet_of(site_folder: Path, node: Node) -> Sheet:
    """Return the site sheet of a node."""
    zeroed = {c.name for c in node.profile.channels if c.derived and c.derived.quantity in _ZEROED}
    calibrated = {calibration.channel for calibration in node.calibration}
    return Sheet(
        height=node.geometry is not None if node.profile.geometry else None,
        zero=zeroed <= calibrated if zeroed else None,
        photo=any(has_photo(file, node.id) for file in _files(site_folder / "photos")),
    )


def has_photo(file: Path, node: int) -> bool:
    """Whether a file is a photo of this node, by its name."""
    return file.suffix.lower() in PHOTOS and file.stem.split("-")[0] == str(node)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
