"""What `sensornett node list` says of one port."""

from typing import Any

from tools.node.look import look
from tools.node.ports import Port
from tools.node.progress import Progress
from tools.node.registry import Registry
from tools.node.trouble import Trouble


def row_of(port: Port, registry: Registry | None, progress: Progress) -> dict[str, Any]:
    """Return the board on a port: chip, mac, node, why, stage, firmware; or its `trouble` in words."""
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
        "node": node or says.get("node"),
        "why": found.why,
        "stage": registry.entry(node).stage if registry and node else "",
        "firmware": says.get("firmware"),
    }
