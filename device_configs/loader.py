"""Loads a site: all of it, or everything that is wrong with it."""

from dataclasses import dataclass
from pathlib import Path

from device_configs.alert_checks import check_rules
from device_configs.catalog import Catalog, builtin_catalog
from device_configs.checks import (
    check_bridge,
    check_buildings,
    check_initiatives,
    check_keepers,
    check_node,
    check_position,
    duplicates,
)
from device_configs.gateway_alerts import with_gateway
from device_configs.model import Node, Site
from device_configs.problem import ConfigError, Problem
from device_configs.site_schema import (
    Building,
    EventPeriod,
    Goal,
    Initiative,
    NodeEntry,
    Recipient,
    Rule,
    SiteFile,
)
from device_configs.source import Document, Place, read_yaml
from device_configs.validate import Model, check_lists, entries, validate
from device_configs.wiring import Wiring, check_roms, check_wiring

__all__ = ["FILES", "SITES", "ConfigError", "Node", "Problem", "Site", "load_site"]

SITES = Path(__file__).parent / "sites"
# The lists each file beside site.yaml consists of.
FILES = {
    "nodes.yaml": ("nodes",),
    "alerts.yaml": ("recipients", "rules"),
    "buildings.yaml": ("buildings",),
    "initiatives.yaml": ("initiatives",),
}
# Lists that may be left out.
OPTIONAL = {"initiatives.yaml": ("goals", "events")}


@dataclass(slots=True)
class _Reading:
    """A site folder being read, with everything found wrong so far."""

    path: Path
    catalog: Catalog
    problems: list[Problem]

    def document(self, name: str) -> Document:
        """Return a file of the site, without values when it can not be read."""
        document, wrong = read_yaml(self.path / name)
        if wrong:
            document.tree = None
        elif name in FILES:
            wrong = check_lists(document, FILES[name], OPTIONAL.get(name, ()))
        self.problems += wrong
        return document

    def entries(self, document: Document, name: str, model: type[Model]) -> list[tuple[Place, Model]]:
        found, wrong = entries(document, name, model, self.catalog.names)
        self.problems += wrong
        self.problems += duplicates(document, found, "id")
        return found


def load_site(path: Path, catalog: Catalog | None = None) -> Site:
    """Return the site in the folder `path`, checked against the catalog (left out: this version's own).

    Raises ConfigError with every problem of every file, never just the first.
    """
    if not path.is_dir():
        raise ConfigError([Problem(path, 1, 1, "", "no such folder", "`sensornett site new NAME` makes one")])
    reading = _Reading(path, catalog or builtin_catalog(), [])
    site = _load(reading)
    if site is None or reading.problems:
        raise ConfigError(reading.problems)
    return site


def _load(reading: _Reading) -> Site | None:
    catalog = reading.catalog
    file = _site_file(reading)
    nodes_yaml = reading.document("nodes.yaml")
    placed, nodes = _nodes(reading, nodes_yaml, file)

    alerts_yaml = reading.document("alerts.yaml")
    recipients = reading.entries(alerts_yaml, "recipients", Recipient)
    rules = reading.entries(alerts_yaml, "rules", Rule)
    reading.problems += check_rules(alerts_yaml, rules, nodes_yaml, placed, catalog)

    buildings_yaml = reading.document("buildings.yaml")
    buildings = reading.entries(buildings_yaml, "buildings", Building)
    reading.problems += check_buildings(buildings_yaml, buildings, nodes_yaml, placed, catalog)
    reading.problems += check_keepers(buildings_yaml, buildings, alerts_yaml)

    initiatives_yaml = reading.document("initiatives.yaml")
    initiatives = reading.entries(initiatives_yaml, "initiatives", Initiative)
    reading.problems += check_initiatives(initiatives_yaml, initiatives, buildings_yaml)
    goals = reading.entries(initiatives_yaml, "goals", Goal)
    events = reading.entries(initiatives_yaml, "events", EventPeriod)

    if file is None:
        return None
    return Site(
        id=file.id,
        name=file.name,
        demo=file.demo,
        timezone=file.timezone,
        latitude=file.latitude,
        longitude=file.longitude,
        gateway_id=bytes.fromhex(file.gateway_id),
        languages=file.languages,
        contact=file.contact,
        nodes=tuple(nodes),
        catalog=catalog,
        lora=file.lora,
        relay=file.relay,
        page=file.page,
        retention=file.retention,
        recipients=tuple(recipient for _, recipient in recipients),
        rules=with_gateway([rule for _, rule in rules], [recipient for _, recipient in recipients]),
        buildings=tuple(building for _, building in buildings),
        initiatives=tuple(initiative for _, initiative in initiatives),
        goals=tuple(goal for _, goal in goals),
        events=tuple(event for _, event in events),
    )


def _site_file(reading: _Reading) -> SiteFile | None:
    before = len(reading.problems)
    document = reading.document("site.yaml")
    if len(reading.problems) > before:
        return None
    file, wrong = validate(document, (), SiteFile, reading.catalog.names)
    reading.problems += wrong
    if file is not None and file.lora is not None:
        reading.problems += check_bridge(document, file.lora, reading.catalog)
    folder = reading.path.resolve().name
    if file is not None and file.id != folder:
        message = f"`id` {file.id} is not the folder's name, {folder}"
        reading.problems.append(document.problem(("id",), message))
    return file


def _nodes(
    reading: _Reading, document: Document, site: SiteFile | None
) -> tuple[list[tuple[Place, NodeEntry]], list[Node]]:
    catalog, problems = reading.catalog, reading.problems
    placed = reading.entries(document, "nodes", NodeEntry)
    problems += duplicates(document, placed, "name")
    nodes = []
    for place, entry in placed:
        problems += check_node(document, place, entry, catalog, site)
        if site is not None:
            problems += check_position(document, place, entry, site)
        wiring, wrong = check_wiring(document, place, entry, catalog)
        problems += wrong
        nodes.append(_node(entry, catalog, wiring))
    problems += check_roms(document, placed)
    return placed, nodes


def _node(entry: NodeEntry, catalog: Catalog, wiring: Wiring) -> Node:
    profile = catalog.profiles[entry.profile]
    return Node(
        id=entry.id,
        name=entry.name,
        place=entry.place,
        latitude=entry.latitude,
        longitude=entry.longitude,
        profile=profile,
        board=entry.board,
        carrier=entry.carrier,
        interval_s=entry.interval_s or profile.interval.default_s,
        event_interval_s=entry.event_interval_s,
        sensors=wiring,
        geometry=entry.geometry,
        calibration=entry.calibration,
        fallback=entry.fallback,
    )
