"""What `sensornett node list` says of one port."""

from typing import Any

from tools.node.look import look
from tools.node.ports import Port
from tools.node.progress import Progress
from tools.node.registry import Registry
from tools.node.trouble import Trouble
from tools.node.words import Words


def row_of(port: Port, registry: Registry | None, progress: Progress) -> dict[str, Any]:
    """Return the board on a port: chip, mac, role, node, why, stage, firmware; or its `trouble` in words."""
    row: dict[str, Any] = {"port": port.path, "bridge": port.bridge}
    try:
        with progress.stage("look", port=port.path):
            found = look(port.path)
    except Trouble as trouble:
        return row | {"trouble": trouble.told(progress.words)}
    says = found.probe or {}
    node = registry.node_of(found.mac) if registry else None
    return row | {
        "chip": found.chip,
        "mac": found.mac,
        "role": "bridge" if found.is_bridge else "node" if node or says.get("node") else None,
        "node": node or says.get("node"),
        "why": found.why,
        "stage": registry.entry(node).stage if registry and node else "",
        "firmware": says.get("firmware"),
    }


def told(row: dict[str, Any], words: Words) -> str:
    """Return what a technician reads of one row."""
    if "trouble" in row:
        return str(row["trouble"])
    return f"{row['chip']}  {row['mac']}  {words(_kind(row), node=row['node'])}"


def _kind(row: dict[str, Any]) -> str:
    if row["role"] == "bridge":
        return "list.bridge"
    if not row["node"]:
        return "list.blank" if row["why"] == "blank" else "list.asleep" if row["why"] else "list.free"
    known = {"": "list.node", "shelved": "list.shelved", "commissioned": "list.commissioned"}
    return known.get(row["stage"], "list.unfinished")
