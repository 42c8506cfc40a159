"""Settings that nodes are to have, handed out piece by piece in the answers to their STATUS frames.

What a node is to have is settings/<node>.json in the state directory; a node whose STATUS names another hash
gets it. Beside it lie those it was given before, as settings/<node>.<hash>.json: a node that reports one of
them, and takes changes, gets only these. How far a node has come is said by each STATUS; here is
only kept how often one was asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.changes import changes, digest
from wire import control

if TYPE_CHECKING:
    from wire.control import Item

FOLDER = "settings"
SIZE_MAX = 8000  # firmware/lib/node/incoming.py takes no more
PIECE = 600  # bytes of one answer; by radio it is what fits beside the rest
ASKS_MAX = 8  # answers by radio that ask a node for a STATUS because of the same settings


@dataclass(frozen=True, slots=True)
class Offer:
    """What a node lacks of `content`, all from `offset` on; `key` says what it is to the node."""

    key: int
    content: bytes
    offset: int

    def piece(self, size: int) -> "list[Item]":
        """Return the item of a control body, with `size` bytes at most."""
        part = self.content[self.offset : self.offset + size]
        return [digest(self.content), len(self.content), self.offset, part]


class Outgoing:
    """Reads the settings of a state directory."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER
        self._asked: dict[int, tuple[bytes, int]] = {}  # by node: hash of the settings, how often
        self._made: dict[int, tuple[bytes, bytes, bytes]] = {}  # by node: old hash, new hash, changes

    def offer(self, node: int, status: "Mapping[int, Item]") -> Offer | None:
        """Return what a node that said `status` is to be given, None where it needs nothing."""
        whole = self._wanted(node)
        config = status.get(control.CONFIG)
        if whole is None or config == digest(whole):
            return None
        key, content = control.SETTINGS, whole
        if status.get(control.TAKES) == 1 and isinstance(config, bytes):
            found = self._changes(node, config, whole)
            if found is not None and len(found) < len(whole):
                key, content = control.CHANGES, found
        offset = 0
        want = status.get(control.WANT)
        if isinstance(want, list) and len(want) == 2 and want[0] == digest(content):
            held = want[1]
            offset = held if isinstance(held, int) and 0 <= held < len(content) else 0
        return Offer(key, content, offset)

    def asks(self, node: int, config: str | None) -> bool:
        """Whether a node that reported `config` (hexadecimal) last is to be asked for a STATUS now.

        Not for ever: it may have given these settings up before.
        """
        whole = self._wanted(node)
        if whole is None or config is None or bytes.fromhex(config) == digest(whole):
            return False
        told, count = self._asked.get(node, (b"", 0))
        count = count + 1 if told == digest(whole) else 1
        self._asked[node] = digest(whole), count
        return count <= ASKS_MAX

    def _wanted(self, node: int) -> bytes | None:
        try:
            whole = (self._folder / f"{node}.json").read_bytes()
        except OSError:
            return None
        return whole if 0 < len(whole) <= SIZE_MAX else None

    def _changes(self, node: int, config: bytes, whole: bytes) -> bytes | None:
        made = self._made.get(node)
        if made is not None and made[:2] == (config, digest(whole)):
            return made[2]
        try:
            old = (self._folder / f"{node}.{config.hex()}.json").read_bytes()
        except (OSError, ValueError):
            return None
        if digest(old) != config:
            return None
        found = changes(old, whole)
        self._made[node] = config, digest(whole), found
        return found
