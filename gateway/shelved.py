"""Nodes that lie on the shelf, by the registry of hardware that `sensornett node` keeps (nodes.json).

From the bench to the mast a node is asleep and silent on purpose; once it was heard, it is at work.
"""

import json
from datetime import datetime
from pathlib import Path

NAME = "nodes.json"
_AT_WORK = ("commissioned", "forgotten")


class Shelf:
    """The registry in a state directory; read again whenever it was replaced."""

    def __init__(self, state: Path) -> None:
        self._path = state / NAME
        self._seen: tuple[int, int] | None = None
        self._since_s: dict[int, int] = {}

    def since_s(self) -> dict[int, int]:
        """Return since when (seconds since 1970) the board of each node is on the shelf, if it still is.

        A registry that is missing or can not be read shelves nobody: an alert too many is better than none.
        """
        try:
            found = self._path.stat()
            stamp = found.st_mtime_ns, found.st_ino
            if stamp != self._seen:
                self._since_s = _read(self._path)
                self._seen = stamp
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._seen, self._since_s = None, {}
        return self._since_s


def _read(path: Path) -> dict[int, int]:
    return {
        int(node): int(datetime.fromisoformat(board["since"]).timestamp())
        for node, entry in json.loads(path.read_text())["nodes"].items()
        if entry["stage"] not in _AT_WORK
        for board in entry["hardware"]
        if board["until"] is None
    }
