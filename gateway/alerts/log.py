"""What alerts.db says to those who only read it: history, messages, rounds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from gateway.alerts.journal import NAME
from gateway.alerts.records import history


@dataclass(frozen=True, slots=True)
class Sent:
    """One message: to whom, about what, and each attempt to deliver it as (UTC ms, channel, ok, detail)."""

    recipient: str
    priority: str
    kind: str
    drill: bool
    created_s: int
    done_s: int | None
    alerts: tuple[tuple[str, int], ...]
    attempts: tuple[tuple[int, str, bool, str], ...]


@dataclass(frozen=True, slots=True)
class Round:
    """One look at a grate: how much was blocked, in percent, and whether it was cleaned."""

    node: int
    at_s: int
    by: str
    blocked_percent: int
    cleaned: bool
    note: str


class AlertLog:
    """Reads the alerts' database in `state`; everything is empty while there is none. Raises apsw.Error."""

    def __init__(self, state: Path) -> None:
        self._path = state / NAME

    def history(self, limit: int, node: int | None = None) -> list[dict[str, Any]]:
        """Return the newest events, as `records.history` does."""
        with self._read() as db:
            return history(db, node, limit) if db else []

    def sent(self, limit: int) -> list[Sent]:
        """Return the newest messages with their receipts."""
        with self._read() as db:
            if db is None:
                return []
            rows: list[Any] = db.execute(
                "SELECT id, recipient, priority, kind, drill, created_s, done_s, members FROM outbox "
                "ORDER BY id DESC LIMIT ?",
                (limit,),
            ).fetchall()
            found = []
            for id_, recipient, priority, kind, drill, created_s, done_s, members in rows:
                attempts = tuple(
                    (at_ms, channel, bool(ok), detail)
                    for at_ms, channel, ok, detail in db.execute(
                        "SELECT at_ms, channel, ok, detail FROM deliveries WHERE message = ? ORDER BY id",
                        (id_,),
                    )
                )
                alerts = tuple((m["rule"], m["node"]) for m in json.loads(members))
                found.append(
                    Sent(recipient, priority, kind, bool(drill), created_s, done_s, alerts, attempts)
                )
            return found

    def rounds(self, node: int, from_s: int, to_s: int) -> list[Round]:
        """Return the rounds to a place in a time, the oldest first."""
        with self._read() as db:
            if db is None:
                return []
            rows = db.execute(
                "SELECT node, at_s, by, blocked_percent, cleaned, note FROM inspections "
                "WHERE node = ? AND at_s >= ? AND at_s < ? ORDER BY at_s",
                (node, from_s, to_s),
            )
            return [
                Round(n, at, by, blocked, bool(cleaned), note) for n, at, by, blocked, cleaned, note in rows
            ]

    @contextmanager
    def _read(self) -> Iterator[apsw.Connection | None]:
        if not self._path.exists():
            yield None
            return
        db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            db.set_busy_timeout(2000)
            yield db
        finally:
            db.close()
