"""`sensornett energy events`: what happened to buildings' meters, as their nodes saw it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from device_configs.loader import load_site
from device_configs.model import Node, Site
from gateway.model import RegisterEvent
from gateway.store import STORE_NAME, Reader, StoreError
from tools.energy_sources import AsCsv, AsJson, SiteDir, StateDir, fail
from tools.energy_tables import Row, show


def events(site: SiteDir, state: StateDir, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Resets, rollovers, swaps and jumps of meters' registers, as the nodes saw them.

    A swap that buildings.yaml does not tell of needs a line there if the new meter has another factor.
    """
    show(rows_of(load_site(site), _stored(state)), as_json=as_json, as_csv=as_csv)


def _stored(state: Path) -> list[RegisterEvent]:
    if not (state / STORE_NAME).exists():
        return []
    try:
        with Reader.open(state / STORE_NAME) as reader:
            return reader.register_events()
    except StoreError as error:
        fail(str(error))


def rows_of(site: Site, found: Sequence[RegisterEvent]) -> list[Row]:
    """Return a row for each register of each event, oldest first."""
    zone = ZoneInfo(site.timezone)
    nodes = {node.id: node for node in site.nodes}
    meters = {meter.node: building.name for building in site.buildings for meter in building.meters}
    return [
        {
            "at": datetime.fromtimestamp(event.at_s, zone).isoformat(),
            "building": meters.get(event.node),
            "node": event.node,
            "event": event.kind,
            "register": _key(nodes.get(event.node), channel),
            "before": before,
            "after": after,
            "meter_before": event.before.hex() if event.before else None,
            "meter_after": event.after.hex() if event.after else None,
        }
        for event in found
        for channel, before, after in event.registers
    ]


def _key(node: Node | None, channel: int) -> str:
    """Return the key of a channel; its number where the node has another profile now, or is gone."""
    if node is None or channel >= len(node.profile.channels):
        return str(channel)
    return node.profile.channels[channel].key
