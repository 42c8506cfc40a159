"""Gives a node that is at hand a new key and a new password; whoever has the old ones has nothing any more.

The gateway and the broker change first, so the old ones are worthless from then on even if the cable comes
out. Then the board: what it measured stays, and its counters go on (see node.identity). Where the work broke
off, the same command draws once more.
"""

import secrets

from device_configs.compile import settings_bytes
from device_configs.keys import KEY_SIZE, read_keys, write_keys
from device_configs.model import Node
from tools.node.handing_out import hand_out
from tools.node.look import Found
from tools.node.network import settings_for
from tools.node.provision import Workshop
from tools.node.remote import Board
from tools.node.trouble import Trouble

# The copy of settings that worked has the old password: a node that went back to it would not be let in.
_FORGET_OLD = """
import os
for path in ("settings.good", "settings.bad"):
    try:
        os.remove("/" + path)
    except OSError:
        pass
print("@@ null")
"""


def rotate(shop: Workshop, node: Node, found: Found) -> None:
    """Rotate key and password of `node`, whose board is `found`, at its prompt.

    Raises Trouble, ConfigError, OSError.
    """
    current = shop.registry.entry(node.id).current
    if current is None:
        raise Trouble("not_provisioned", node=node.id)
    if current.mac != found.mac:
        raise Trouble("has_other_board", node=node.id, mac=current.mac, new=found.mac)
    shop.credentials.renew(node.id)
    settings = settings_for(shop.site, node, shop.network, shop.state, shop.credentials.password)
    path = shop.state / "keys.json"
    key = secrets.token_bytes(KEY_SIZE)
    write_keys(path, read_keys(path) | {node.id: key})
    shop.registry.rotated(node.id, hand_out(shop.state, settings))
    with shop.progress.stage("settings"):
        board = Board(found.port)
        board.script(_FORGET_OLD)
        board.copy({"settings.json": settings_bytes(settings), "key.hex": key.hex().encode()})
        board.reset()
