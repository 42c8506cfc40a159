"""A site as everything else sees it: checked, with its nodes tied to their profiles."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from device_configs.catalog import Catalog
from device_configs.schema import Profile
from device_configs.site_schema import (
    Building,
    Calibration,
    Carrier,
    Contact,
    EventPeriod,
    Goal,
    Initiative,
    IntakeGeometry,
    Lora,
    PageSettings,
    Recipient,
    Relay,
    Retention,
    Rule,
    SnowGeometry,
)


@dataclass(frozen=True, slots=True)
class Node:
    """One node and the place it hangs at. Positions are WGS 84 degrees."""

    id: int
    name: str
    place: str
    latitude: float
    longitude: float
    profile: Profile
    board: str
    carrier: Carrier
    interval_s: int
    event_interval_s: int | None = None
    sensors: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    """For each sensor of the profile its parameters, defaults filled in."""
    geometry: IntakeGeometry | SnowGeometry | None = None
    calibration: tuple[Calibration, ...] = ()
    fallback: Carrier | None = None

    @property
    def carriers(self) -> tuple[Carrier, ...]:
        """The carrier it uses, then the one it falls back on, if any."""
        return (self.carrier, self.fallback) if self.fallback else (self.carrier,)


@dataclass(frozen=True, slots=True)
class Site:
    """One municipality or one part of it, with one home gateway."""

    id: str
    name: str
    demo: bool
    timezone: str
    latitude: float
    longitude: float
    gateway_id: bytes
    languages: tuple[str, ...]
    contact: Contact
    nodes: tuple[Node, ...]
    catalog: Catalog
    lora: Lora | None = None
    relay: tuple[Relay, ...] = ()
    page: PageSettings = field(default_factory=PageSettings)
    retention: Retention = field(default_factory=Retention)
    recipients: tuple[Recipient, ...] = ()
    rules: tuple[Rule, ...] = ()
    buildings: tuple[Building, ...] = ()
    initiatives: tuple[Initiative, ...] = ()
    goals: tuple[Goal, ...] = ()
    events: tuple[EventPeriod, ...] = ()

    def node(self, id: int) -> Node:
        """Return the node of this id. KeyError when the site has none."""
        for node in self.nodes:
            if node.id == id:
                return node
        raise KeyError(id)

    def only(self, *ids: int) -> "Site":
        """Return the site with just these nodes, for a run with fewer. KeyError when one is unknown."""
        return replace(self, nodes=tuple(map(self.node, ids)))
