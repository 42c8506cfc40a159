"""Points that are to be written once more, and how far that has come. A part of sync.db.

Why: a calibration was corrected, a count read back from the server came out short, or somebody asked, whose
server was restored from a backup. Points are written in place, so that doing it twice is harmless.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import apsw

from gateway.recalibration import changed_from

SCHEMA = """
CREATE TABLE calibration (node INTEGER PRIMARY KEY, timeline TEXT NOT NULL) STRICT;

CREATE TABLE rewrites (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node INTEGER NOT NULL,
    at_s INTEGER NOT NULL,        -- records measured before this are done
    to_s INTEGER NOT NULL,
    cause TEXT NOT NULL,
    asked_at_ms INTEGER NOT NULL
) STRICT;

-- windows whose points were asked for once more because the server had too few
CREATE TABLE short (node INTEGER NOT NULL, from_s INTEGER NOT NULL, missing INTEGER NOT NULL,
                    noted_at_ms INTEGER NOT NULL, PRIMARY KEY (node, from_s)) STRICT, WITHOUT ROWID;
"""
CALIBRATION, READ_BACK, ASKED = "calibration", "read-back", "asked for"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The records of `node` measured in at_s <= t < to_s are to be written once more."""

    id: int
    node: int
    at_s: int
    to_s: int
    cause: str


class Rewrites:
    """Behind the journal's connection; each method is one transaction."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def recalibrated(self, timelines: Mapping[int, str], now_ms: int) -> dict[int, int]:
        """Compare with the calibrations that points were made with so far; ask for what has changed.

        Return the nodes that this concerns, and since when.
        """
        changed: dict[int, int] = {}
        with self._db:
            known: dict[int, str] = dict(self._db.execute("SELECT node, timeline FROM calibration"))
            for node, timeline in timelines.items():
                if known.get(node) == timeline:
                    continue
                since = changed_from(known[node], timeline) if node in known else None
                if since is not None:
                    changed[node] = since
                    self._db.execute("DELETE FROM rewrites WHERE node = ? AND at_s >= ?", (node, since))
                    self._ask(node, since, now_ms // 1000 + 86_400, CALIBRATION, now_ms)
                self._db.execute("INSERT OR REPLACE INTO calibration VALUES (?, ?)", (node, timeline))
        return changed

    def again(self, nodes: Iterable[int], from_s: int, to_s: int, now_ms: int) -> None:
        """Somebody asks for the points of a time once more."""
        with self._db:
            for node in nodes:
                self._ask(node, from_s, to_s, ASKED, now_ms)

    def came_short(self, node: int, from_s: int, to_s: int, missing: int, now_ms: int) -> bool:
        """The server lacks points of a window. True the first time: they are asked for once more."""
        with self._db:
            ((known,),) = self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM short WHERE node = ? AND from_s = ?)", (node, from_s)
            )
            self._db.execute(
                "INSERT OR REPLACE INTO short VALUES (?, ?, ?, ?)", (node, from_s, missing, now_ms)
            )
            if not known:
                self._ask(node, from_s, to_s, READ_BACK, now_ms)
        return not known

    def is_whole(self, node: int, from_s: int) -> None:
        """The server has all points of the window now."""
        self._db.execute("DELETE FROM short WHERE node = ? AND from_s = ?", (node, from_s))

    def missing(self) -> int:
        """Return how many points the server was short of when last asked, over all windows."""
        return int(self._db.execute("SELECT coalesce(sum(missing), 0) FROM short").get or 0)

    def next(self) -> Rewrite | None:
        sql = "SELECT id, node, at_s, to_s, cause FROM rewrites ORDER BY id LIMIT 1"
        rows: list[Any] = self._db.execute(sql).fetchall()
        return Rewrite(*rows[0]) if rows else None

    def waiting(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM rewrites").get or 0)

    def done(self, rewrite: Rewrite, upto_s: int) -> None:
        """What was measured before `upto_s` is written."""
        if upto_s >= rewrite.to_s:
            self._db.execute("DELETE FROM rewrites WHERE id = ?", (rewrite.id,))
        else:
            self._db.execute("UPDATE rewrites SET at_s = ? WHERE id = ?", (upto_s, rewrite.id))

    def _ask(self, node: int, from_s: int, to_s: int, cause: str, now_ms: int) -> None:
        self._db.execute(
            "INSERT INTO rewrites (node, at_s, to_s, cause, asked_at_ms) VALUES (?, ?, ?, ?, ?)",
            (node, from_s, to_s, cause, now_ms),
        )
