"""What the page needs to know of a node's place, taken from the site's configuration. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from device_configs.model import Node
from device_configs.site_schema import IntakeGeometry, SnowGeometry

Kind = Literal["intake", "snow", "building", "other"]
KINDS: tuple[Kind, ...] = ("intake", "snow", "building", "other")

# The one large value of a card: the first key a profile has.
_MAIN: dict[Kind, tuple[str, ...]] = {
    "intake": ("up_level_mm",),
    "snow": ("snow_depth_mm", "depth_mm", "distance_mm"),
    "building": ("import_power_w", "power_w"),
    "other": (),
}
_MISSED = 3  # records in a row, after which a node counts as silent
_GRACE_S = 15  # for the way through radio, store and page


@dataclass(frozen=True, slots=True)
class Place:
    """A node's place. `main` is the key of the large value, `keys` are all the values it has."""

    id: int
    name: str
    where: str
    kind: Kind
    interval_s: int
    main: str
    keys: tuple[str, ...]
    carrier: str = "mqtt"
    geometry: IntakeGeometry | SnowGeometry | None = None
    battery_low_mv: int | None = None

    @property
    def stale_after_s(self) -> int:
        """A newest record older than this is no longer live."""
        return _MISSED * self.interval_s + _GRACE_S

    @property
    def gap_s(self) -> int:
        """Records further apart than this have a gap between them."""
        return _MISSED * self.interval_s

    def key(self, *candidates: str) -> str | None:
        """Return the first of `candidates` that this place has a value of."""
        return next((key for key in candidates if key in self.keys), None)


def place(node: Node) -> Place:
    """Return what the page needs of `node`."""
    profile = node.profile
    kind = _kind(node)
    keys = profile.keys
    main = next((key for key in _MAIN[kind] if key in keys), keys[0])
    low = profile.battery.low_mv if profile.battery else None
    return Place(
        node.id, node.name, node.place, kind, node.interval_s, main, keys, node.carrier, node.geometry, low
    )


def _kind(node: Node) -> Kind:
    if isinstance(node.geometry, IntakeGeometry):
        return "intake"
    if isinstance(node.geometry, SnowGeometry):
        return "snow"
    if any(key.endswith("power_w") for key in node.profile.keys):
        return "building"
    return "other"


def places(nodes: Sequence[Node]) -> dict[int, Place]:
    """Return the places by node id."""
    return {node.id: place(node) for node in nodes}
