"""Nodes that lie on the shelf, where they are asleep and silent on purpose, until they are heard again.

From the bench to the mast by the registry of hardware that `sensornett node` keeps (nodes.json); taken out of
service in the field by what the node itself said last, see SHELF in firmware/lib/wire/SPEC.md. Alerts, pages
and files all ask here.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from gateway.model import NodeState
from gateway.status import goes_to_shelf

NAME = "nodes.json"
_AT_WORK = ("commissioned", "forgotten")


def said_ms(status: str, status_at_ms: int | None) -> int | None:
    """Return since when (ms) a node is on the shelf by its last STATUS, in JSON; None: it is at work."""
    on_shelf = '"shelf"' in status and goes_to_shelf(json.loads(status))
    return status_at_ms if on_shelf else None


def said_by(states: Iterable[NodeState]) -> dict[int, int]:
    """Return since when (ms since 1970) the nodes are on the shelf that said so themselves."""
    found = ((state.node, said_ms(state.status, state.status_at_ms)) for state in states)
    return {node: at_ms for node, at_ms in found if at_ms is not None}


def lies(since_s: int | None, newest_s: int | None) -> bool:
    """Whether a node that is on the shelf since then, as far as is told, has measured nothing after it."""
    return since_s is not None and (newest_s is None or newest_s < since_s)


class Shelf:
    """The registry in a state directory, read again whenever it was replaced; and what nodes `said`.

    `said` returns since when (ms since 1970) the nodes are on the shelf that said so themselves.
    """

    def __init__(self, state: Path, said: Callable[[], Mapping[int, int]] = dict) -> None:
        self._path = state / NAME
        self._said = said
        self._seen: tuple[int, int] | None = None
        self._since_s: dict[int, int] = {}

    def since_s(self) -> dict[int, int]:
        """Return since when (seconds since 1970) each node is on the shelf that is there, for all one knows.

        A registry that is missing or can not be read shelves nobody: an alert too many is better than none.
        """
        try:
            file = self._path.stat()
            stamp = file.st_mtime_ns, file.st_ino
            if stamp != self._seen:
                self._since_s = _read(self._path)
                self._seen = stamp
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._seen, self._since_s = None, {}
        found = dict(self._since_s)
        for node, at_ms in self._said().items():
            found[node] = max(found.get(node, 0), at_ms // 1000 + 1)  # later than its last record
        return found


def _read(path: Path) -> dict[int, int]:
    return {
        int(node): int(datetime.fromisoformat(board["since"]).timestamp())
        for node, entry in json.loads(path.read_text())["nodes"].items()
        if entry["stage"] not in _AT_WORK
        for board in entry["hardware"]
        if board["until"] is None
    }
