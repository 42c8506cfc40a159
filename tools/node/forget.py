"""Takes a node out of service for good: its key, its access and, if its board is there, what is on that."""

from pathlib import Path

from device_configs.keys import read_keys, write_keys
from tools.node.credentials import Credentials
from tools.node.registry import Registry
from tools.node.remote import Board

# Everything a node knows of itself; what it measured stays in the store, not on the board.
WIPE = """
import os
for name in os.listdir("/"):
    if name not in ("boot.py", "main.py", "lib"):
        try:
            os.remove("/" + name)
        except OSError:
            for inner in os.listdir("/" + name):
                os.remove("/" + name + "/" + inner)
            os.rmdir("/" + name)
try:
    import esp32
    nvs = esp32.NVS("kept")
    nvs.erase_key("kept")
except (ImportError, OSError, AttributeError):
    pass
print("@@ null")
"""


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
