"""Puts nodes into service: heard by the gateway since their board was made, and their site sheet complete."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from device_configs.model import Node, Site
from gateway.store import STORE_NAME, Reader, StoreError
from tools.node.registry import Entry, Registry
from tools.node.sheet import sheet_of
from tools.node.trouble import Trouble


def reported_hashes(state: Path) -> dict[int, str]:
    """Return the hash of the settings each node last reported; empty without a store."""
    try:
        with Reader.open(state / STORE_NAME) as reader:
            said = {known.node: json.loads(known.status or "{}").get("config") for known in reader.nodes()}
    except StoreError:
        return {}
    return {node: str(found) for node, found in said.items() if found}


def commission(
    registry: Registry, site: Site, folder: Path, state: Path, nodes: Sequence[Node]
) -> tuple[list[int], list[Trouble]]:
    """Return the nodes that are now in service, and why others are not. Raises Trouble without a store."""
    try:
        with Reader.open(state / STORE_NAME) as reader:
            heard_ms = {known.node: known.last_seen_ms for known in reader.nodes()}
    except StoreError as error:
        raise Trouble("no_store", detail=str(error), state=state) from error
    done, troubles = [], []
    for node in nodes:
        entry = registry.entry(node.id)
        if entry.reached("commissioned"):
            continue
        trouble = _why_not(entry, folder, node, heard_ms.get(node.id, 0))
        if trouble:
            troubles.append(trouble)
        else:
            registry.advance(node.id, "commissioned")
            done.append(node.id)
    return done, troubles


def _why_not(entry: Entry, folder: Path, node: Node, heard_ms: int) -> Trouble | None:
    board = entry.current
    if board is None:
        return Trouble("not_provisioned", node=node.id)
    since = datetime.strptime(board.since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if heard_ms < since.timestamp() * 1000:
        return Trouble("not_heard", node=node.id)
    if missing := sheet_of(folder, node).missing:
        return Trouble("site_sheet", node=node.id, missing=[f"sheet.{name}" for name in missing])
    return None
