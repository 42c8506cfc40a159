"""What the page needs to know of a node's place, taken from the site's configuration. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from device_configs.alert_schema import Rule
from device_configs.model import Node, Site
from device_configs.site_schema import IntakeGeometry, SnowGeometry

Kind = Literal["intake", "rain", "snow", "building", "other"]
KINDS: tuple[Kind, ...] = ("intake", "rain", "snow", "building", "other")

# The one large value of a card: the first key a profile has.
_MAIN: dict[Kind, tuple[str, ...]] = {
    "intake": ("up_level_mm",),
    "rain": ("rain_um",),
    "snow": ("depth_mm",),
    "building": ("import_power_w",),
    "other": ("rain_um",),
}
# Of these the page keeps the last day in memory, for sparkline and trend; of all others the newest value.
_FOLLOWED: dict[Kind, tuple[str, ...]] = {
    "intake": ("up_level_mm", "down_level_mm"),
    "rain": ("rain_um",),
    "snow": ("depth_mm",),
    "building": ("import_power_w", "import_energy_wh"),
    "other": ("rain_um",),
}
_MISSED = 3  # records in a row, after which a node counts as silent
_GRACE_S = 10  # for the way through radio, store and page
# What a meter behind current transformers shows too small.
_TRANSFORMED = ("power_w", "reactive_var", "energy_wh", "reactive_energy_varh", "current_ma")


@dataclass(frozen=True, slots=True)
class Place:
    """A node's place. `main` is the key of the large value; the last day of the keys `followed` is kept.

    `factor` turns what a meter's port shows into what the building uses.
    """

    node: Node
    kind: Kind
    interval_s: int
    main: str
    followed: tuple[str, ...]
    factor: float = 1.0
    rules: tuple[Rule, ...] = field(default=())
    unseen: tuple[str, ...] = ()  # beginnings of keys that these pages do not show

    @property
    def id(self) -> int:
        return self.node.id

    @property
    def stale_after_s(self) -> int:
        """A newest record older than this is no longer live."""
        return _MISSED * self.interval_s + (self.node.profile.batch_s or 0) + _GRACE_S

    @property
    def gap_s(self) -> int:
        """Records further apart than this have a gap between them."""
        return _MISSED * self.interval_s

    @property
    def intake(self) -> IntakeGeometry | None:
        return self.node.geometry if isinstance(self.node.geometry, IntakeGeometry) else None

    @property
    def snow(self) -> SnowGeometry | None:
        return self.node.geometry if isinstance(self.node.geometry, SnowGeometry) else None

    def key(self, *candidates: str) -> str | None:
        """Return the first of `candidates` that this place has a value of."""
        return next((key for key in candidates if key in self.node.profile.keys), None)

    def factor_of(self, key: str) -> float:
        """Return what a value of `key` is multiplied with."""
        return self.factor if self.factor != 1 and key.endswith(_TRANSFORMED) else 1


def places(site: Site, interval_s: int | None = None, unseen: tuple[str, ...] = ()) -> dict[int, Place]:
    """Return the places of the site by node id. `interval_s` replaces what the site says: for demos.

    Keys that begin with one of `unseen` are not shown.
    """
    factors = {meter.node: meter.meter_factor for b in site.buildings for meter in b.meters}
    return {node.id: replace(_place(site, node, interval_s, factors), unseen=unseen) for node in site.nodes}


def _place(site: Site, node: Node, interval_s: int | None, factors: Mapping[int, float]) -> Place:
    kind = _kind(node)
    keys = node.profile.keys
    main = next((key for key in _MAIN[kind] if key in keys), keys[0])
    followed = tuple(key for key in _FOLLOWED[kind] if key in keys) or (main,)
    rules = tuple(r for r in site.rules if r.profile == node.profile.name or node.id in r.nodes)
    return Place(node, kind, interval_s or node.interval_s, main, followed, factors.get(node.id, 1.0), rules)


def _kind(node: Node) -> Kind:
    if isinstance(node.geometry, IntakeGeometry):
        return "intake"
    if isinstance(node.geometry, SnowGeometry):
        return "snow"
    if "import_power_w" in node.profile.keys:
        return "building"
    if "rain_um" in node.profile.keys:
        return "rain"
    return "other"
