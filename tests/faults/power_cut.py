"""What a disk holds after a power cut, given what was done to it before. Pure.

What was synced is there. Of what was not, each part may be there or not, whichever came later, and a write
may be torn between sectors: a disk orders its work as it likes.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath

from tests.faults.disk_log import Entry

SECTOR = 512
Files = dict[str, bytes]


class Disk:
    """Fed with the entries of a log, one by one; `cut` may be asked at any time."""

    def __init__(self) -> None:
        self._durable: dict[str, bytearray] = {}
        self._pending: defaultdict[str, list[Entry]] = defaultdict(list)

    def feed(self, entry: Entry) -> None:
        kind = entry[0]
        if kind not in ("write", "truncate", "unlink", "sync"):
            return  # a mark
        path = entry[1]
        if kind == "sync":
            # A directory's sync makes the removals in it last, a file's what was written to it.
            of_folder = [p for p in self._pending if PurePath(p).parent == PurePath(path)]
            for name in of_folder:
                removed = [e for e in self._pending[name] if e[0] == "unlink"]
                if removed:
                    self._settle(name)
            self._settle(path)
        else:
            self._pending[path].append(entry)

    def cut(self, chance: random.Random) -> Files:
        """Return the files as the next start finds them."""
        files = {path: bytearray(content) for path, content in self._durable.items()}
        for path, entries in self._pending.items():
            kept = chance.choice((0.0, 0.3, 0.7, 1.0))
            for entry in entries:
                if chance.random() < kept:
                    _apply(files, path, entry, chance if chance.random() < 0.3 else None)
        return {path: bytes(content) for path, content in files.items()}

    def _settle(self, path: str) -> None:
        for entry in self._pending.pop(path, ()):
            _apply(self._durable, path, entry, None)


def _apply(files: dict[str, bytearray], path: str, entry: Entry, torn: random.Random | None) -> None:
    if entry[0] == "unlink":
        files.pop(path, None)
        return
    content = files.setdefault(path, bytearray())
    if entry[0] == "truncate":
        size = entry[2]
        del content[size:]
        content.extend(bytes(size - len(content)))
        return
    offset, data = entry[2:]
    if len(content) < offset + len(data):
        content.extend(bytes(offset + len(data) - len(content)))
    at = offset
    while at < offset + len(data):  # sector by sector
        end = min((at // SECTOR + 1) * SECTOR, offset + len(data))
        if torn is None or torn.random() < 0.5:
            content[at:end] = data[at - offset : end - offset]
        at = end


def positions(entries: Sequence[Entry], count: int, chance: random.Random) -> list[int]:
    """Return `count` moments of the log to cut at, ascending; every kind of entry may be the next one."""
    return sorted(chance.choices(range(1, len(entries) + 1), k=count))
