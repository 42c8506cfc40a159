"""Takes a node out of service for good: its key, its access and, if its board is there, what is on that."""

from pathlib import Path

from device_configs.keys import read_keys, write_keys
from tools.node.credentials import Credentials
from tools.node.look import Found
from tools.node.registry import Registry
from tools.node.remote import Board
from tools.node.trouble import Trouble

# Everything a node knows of itself; what it measured stays in the store, not on the board.
WIPE = """
import os
def remove(path):
    try:
        os.remove(path)
    except OSError:
        for name in os.listdir(path):
            remove(path + "/" + name)
        os.rmdir(path)
for name in os.listdir("/"):
    if name not in ("boot.py", "main.py", "lib"):
        remove("/" + name)
import esp32
kept = esp32.NVS("node")
for name in ["root", "hash", "size"] + ["s%d" % i for i in range(32)]:
    try:
        kept.erase_key(name)
    except OSError:
        pass
kept.commit()
print("@@ null")
"""


def is_known(registry: Registry, credentials: Credentials, state: Path, node: int) -> bool:
    """Whether anything here would have to forget the node. Raises ConfigError."""
    path = state / "keys.json"
    has_key = path.exists() and node in read_keys(path)
    return has_key or credentials.has(node) or registry.entry(node).current is not None


def is_board_alone(registry: Registry, node: int, found: Found) -> bool:
    """Whether nothing but the board is meant, since the node goes on with another one.

    So it is with a board that was replaced, or that comes from another site. Raises Trouble where the board
    is not that node.
    """
    if found.is_bridge:
        raise Trouble("is_bridge", mac=found.mac, port=found.port)
    owner = registry.node_of(found.mac)
    says = owner if owner is not None else (found.probe or {}).get("node")
    if says not in (None, node):
        raise Trouble("not_this_node", port=found.port, mac=found.mac, says=says, node=node)
    current = registry.entry(node).current
    return current is not None and current.mac != found.mac


def forget(registry: Registry, credentials: Credentials, state: Path, node: int, board: Board | None) -> bool:
    """Revoke the node; return whether its board was wiped. Raises Trouble, ConfigError, OSError."""
    path = state / "keys.json"
    if path.exists():
        keys = read_keys(path)
        if keys.pop(node, None) is not None:
            write_keys(path, keys)
    credentials.revoke(node)
    registry.forget(node)
    if board is None:
        return False
    board.script(WIPE)
    return True
