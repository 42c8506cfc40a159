"""Settings that nodes are to have, handed out piece by piece in the answers to their STATUS frames.

What a node is to have is settings/<node>.json in the state directory; a node whose STATUS names another hash
gets it. There is no state here: each STATUS says how far the node has come.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wire import control

if TYPE_CHECKING:
    from wire.control import Item

FOLDER = "settings"
SIZE_MAX = 8000  # firmware/lib/node/incoming.py takes no more
PIECE = {"mqtt": 600}
PIECE_BY_RADIO = 48  # beside what an answer says otherwise, within its airtime


class Outgoing:
    """Reads the settings of a state directory."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def piece(self, node: int, status: "Mapping[int, Item]", carrier: str) -> "list[Item] | None":
        """Return [hash, size, offset, content] for a node that said `status`, None where it needs nothing."""
        try:
            whole = (self._folder / f"{node}.json").read_bytes()
        except OSError:
            return None
        digest = hashlib.sha256(whole).digest()[:4]
        if not whole or len(whole) > SIZE_MAX or status.get(control.CONFIG) == digest:
            return None
        offset = 0
        want = status.get(control.WANT)
        if isinstance(want, list) and len(want) == 2 and want[0] == digest and isinstance(want[1], int):
            offset = want[1] if 0 <= want[1] < len(whole) else 0
        size = PIECE.get(carrier, PIECE_BY_RADIO)
        return [digest, len(whole), offset, whole[offset : offset + size]]
