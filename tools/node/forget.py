"""Takes a node out of service for good: its key, its access and, if its board is there, what is on that."""

from pathlib import Path

from device_configs.keys import read_keys, write_keys
from tools.node.credentials import Credentials
from tools.node.registry import Registry
from tools.node.remote import Board

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
