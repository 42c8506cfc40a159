"""alerts.db: states, cursor, history and outbox of the alerts. Owned by the gateway's process.

What belongs together (states, cursor, history, outbox) is written in one transaction. The cursor is (store
id, commit): a store that was restored or started afresh is read from its beginning again.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import apsw
import structlog

from gateway.alerts.engine import MAINTENANCE_MAX_S, Happened
from gateway.alerts.leaps import Leap, Pace
from gateway.alerts.paging import Member, Message
from gateway.alerts.state import State
from gateway.alerts.step import end_after
from gateway.alerts.watches import WatchId
from gateway.clock import EARLIEST_S
from gateway.store.damage import DAMAGE, set_aside
from gateway.store.migrations import migrate

log = structlog.get_logger()

NAME = "alerts.db"
UNTRIED_S = 86_400
HISTORY_MAX = 100_000  # events; the oldest give way

MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "first",
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE states (
            rule TEXT NOT NULL, node INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (rule, node)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE maintenance (
            node INTEGER PRIMARY KEY, until_s INTEGER NOT NULL, by TEXT NOT NULL
        ) STRICT;
        CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_s INTEGER NOT NULL, rule TEXT NOT NULL, node INTEGER NOT NULL, occurrence INTEGER NOT NULL,
            kind TEXT NOT NULL, priority TEXT NOT NULL, notify INTEGER NOT NULL, value REAL,
            measured_at_s INTEGER, evidence TEXT NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL
        ) STRICT;
        CREATE INDEX events_of ON events (rule, node, occurrence);
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL UNIQUE, recipient TEXT NOT NULL, priority TEXT NOT NULL, kind TEXT NOT NULL,
            level INTEGER NOT NULL, drill INTEGER NOT NULL,
            created_s INTEGER NOT NULL, due_s INTEGER NOT NULL,
            members TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, done_s INTEGER
        ) STRICT;
        CREATE INDEX outbox_waiting ON outbox (due_s) WHERE done_s IS NULL;
        -- one line for each attempt: the receipt, or why there is none
        CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            message INTEGER NOT NULL, at_ms INTEGER NOT NULL, channel TEXT NOT NULL, ok INTEGER NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;
        -- the short code in a text message, by which a reply names its alert
        CREATE TABLE codes (
            code INTEGER PRIMARY KEY, message INTEGER NOT NULL, given_s INTEGER NOT NULL, used_s INTEGER
        ) STRICT;
        CREATE TABLE closings (
            rule TEXT NOT NULL, node INTEGER NOT NULL, occurrence INTEGER NOT NULL, at_s INTEGER NOT NULL,
            by TEXT NOT NULL, outcome TEXT NOT NULL, on_site_min INTEGER, note TEXT NOT NULL,
            PRIMARY KEY (rule, node, occurrence)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE inspections (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            node INTEGER NOT NULL, at_s INTEGER NOT NULL, by TEXT NOT NULL, blocked_percent INTEGER NOT NULL,
            cleaned INTEGER NOT NULL, photo TEXT NOT NULL, note TEXT NOT NULL
        ) STRICT;
        """,
    ),
)

Cursor = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not been delivered yet."""

    id: int
    attempts: int
    message: Message


class Journal:
    """One connection, used by one thread at a time."""

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db

    @classmethod
    def open(cls, path: Path, now_ms: int) -> Self:
        """Open or make the database. Raises apsw.Error, and NewerSchema of `store.migrations`.

        One that is damaged is set aside and started afresh: alerts go on, and their rules and the readings
        are elsewhere. What was acknowledged or shelved is told again.
        """
        try:
            return cls(_opened(path, now_ms))
        except DAMAGE as error:
            aside = set_aside(path, now_ms)
            log.error("alerts_database_set_aside", to=str(aside), reason=str(error))  # noqa: TRY400
            return cls(_opened(path, now_ms))

    def close(self) -> None:
        self.db.close()

    @classmethod
    def in_memory(cls, now_ms: int) -> Self:
        """Return an empty one that a full or failing disk can not stop."""
        return cls(_opened(":memory:", now_ms))

    def fill_from(self, other: "Journal") -> None:
        """Become a copy of another one, or stay as it is. Raises apsw.Error."""
        with self.db.backup("main", other.db, "main") as copying:
            copying.step()

    def cursor(self) -> Cursor | None:
        found = dict(self.db.execute("SELECT key, value FROM meta WHERE key IN ('store_id', 'commit')"))
        return (bytes(found["store_id"]), int(found["commit"])) if len(found) == 2 else None

    def states(self) -> dict[WatchId, State]:
        return {
            (rule, node): State.from_json(text)
            for rule, node, text in self.db.execute("SELECT rule, node, state FROM states")
        }

    def maintenance(self) -> dict[int, int]:
        return dict(self.db.execute("SELECT node, until_s FROM maintenance"))

    def keep(
        self,
        cursor: Cursor,
        states: Mapping[WatchId, State],
        happened: Sequence[Happened] = (),
        messages: Iterable[Message] = (),
        pace: Pace | None = None,
        leaps: Sequence[Leap] = (),
    ) -> None:
        """Write what belongs together, in one transaction; `pace` is how the clock ran meanwhile."""
        with self.db:
            for leap in leaps:
                self._clock_stepped(leap)
            if pace is not None:
                self.db.execute("INSERT OR REPLACE INTO meta VALUES ('pace', ?)", (pace.to_json(),))
            self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", _meta(cursor))
            self.db.executemany(
                "INSERT OR REPLACE INTO states VALUES (?, ?, ?)",
                [(rule, node, state.to_json()) for (rule, node), state in states.items()],
            )
            if happened:
                self.db.executemany(
                    "INSERT INTO events (at_s, rule, node, occurrence, kind, priority, notify, value, "
                    "measured_at_s, evidence, by, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    map(_event_row, happened),
                )
                self.db.execute(
                    "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (HISTORY_MAX,)
                )
            for message in messages:
                self._put(message)

    def pace(self) -> Pace | None:
        """Return how the clock ran when something was last kept; None: an earlier version kept it."""
        found: Any = self.db.execute("SELECT value FROM meta WHERE key = 'pace'").get
        return None if found is None else Pace.from_json(found)

    def _clock_stepped(self, leap: Leap) -> None:
        """What waits does not wait longer for it, and codes that people have in their hands stay good."""
        span = leap.from_s, leap.to_s, EARLIEST_S
        self.db.execute(
            "UPDATE outbox SET due_s = min(due_s, due_s + ?), created_s = created_s + ? "
            "WHERE done_s IS NULL AND (created_s BETWEEN ? AND ? OR created_s < ?)",
            (leap.by_s, leap.by_s, *span),
        )
        self.db.execute(
            "UPDATE codes SET given_s = given_s + ? WHERE given_s BETWEEN ? AND ? OR given_s < ?",
            (leap.by_s, *span),
        )
        self.db.executemany(
            "UPDATE maintenance SET until_s = ? WHERE node = ?",
            [(end_after(leap, until_s, MAINTENANCE_MAX_S), n) for n, until_s in self.maintenance().items()],
        )

    def put(self, message: Message) -> None:
        """Add a message that stands for no alert: a heartbeat, a drill."""
        with self.db:
            self._put(message)

    def _put(self, message: Message) -> None:
        if not message.members and message.kind == "raised":
            self.db.execute("DELETE FROM outbox WHERE key = ? AND done_s IS NULL", (message.key,))
            return
        members = json.dumps([asdict(member) for member in message.members])
        self.db.execute(
            "INSERT INTO outbox (key, recipient, priority, kind, level, drill, created_s, due_s, members) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET members = excluded.members WHERE done_s IS NULL",
            (
                message.key,
                message.recipient,
                message.priority,
                message.kind,
                message.level,
                message.drill,
                message.created_s,
                message.due_s,
                members,
            ),
        )

    def waiting(self) -> list[Waiting]:
        """Return every message that has not been delivered, the most urgent first."""
        rows: list[Any] = self.db.execute(
            "SELECT id, attempts, key, recipient, priority, kind, created_s, due_s, members, level, drill "
            "FROM outbox WHERE done_s IS NULL "
            "ORDER BY priority = 'alarm' DESC, priority = 'warning' DESC, due_s, id"
        ).fetchall()
        return [Waiting(row[0], row[1], _message(row[2:])) for row in rows]

    def pages_since(self, at_s: int) -> dict[str, list[int]]:
        """Return when which recipient got pages, for flood grouping after a restart."""
        found: dict[str, list[int]] = {}
        for recipient, created_s in self.db.execute(
            "SELECT recipient, created_s FROM outbox WHERE kind = 'raised' AND priority <> 'info' "
            "AND created_s >= ? ORDER BY created_s",
            (at_s,),
        ):
            found.setdefault(recipient, []).append(created_s)
        return found

    def delivered(self, id_: int, now_ms: int, channel: str, detail: str) -> None:
        """Note the receipt and take the message out of the waiting ones."""
        with self.db:
            self._attempt(id_, now_ms, channel, True, detail)
            self.db.execute("UPDATE outbox SET done_s = ? WHERE id = ?", (now_ms // 1000, id_))

    def failed(self, id_: int, now_ms: int, channel: str, detail: str) -> None:
        with self.db:
            self._attempt(id_, now_ms, channel, False, detail)

    def _attempt(self, id_: int, now_ms: int, channel: str, ok: bool, detail: str) -> None:
        self.db.execute(
            "INSERT INTO deliveries (message, at_ms, channel, ok, detail) VALUES (?, ?, ?, ?, ?)",
            (id_, now_ms, channel, ok, detail[:500]),
        )
        self.db.execute("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", (id_,))

    def attempts(self, key: str) -> list[dict[str, Any]]:
        """Return every attempt to deliver a message."""
        rows = self.db.execute(
            "SELECT d.at_ms, d.channel, d.ok, d.detail FROM deliveries AS d "
            "JOIN outbox AS o ON o.id = d.message WHERE o.key = ? ORDER BY d.id",
            (key,),
        )
        return [{"at_ms": at, "channel": c, "ok": bool(ok), "detail": detail} for at, c, ok, detail in rows]

    def tidy(self, now_s: int, standing: Collection[tuple[WatchId, int]] = ()) -> int:
        """Give up messages that nobody has tried to deliver for a day; return how many that were.

        They pile up while there are no channels, and must not all go out on the day there are some. The
        gateway may have been away as well: what is `standing`, by watch and occurrence, is told all the same.
        """
        given_up = [
            waiting.id
            for waiting in self.waiting()
            if not waiting.attempts
            and waiting.message.due_s < now_s - UNTRIED_S
            and (
                waiting.message.kind == "cleared"
                or not any((m.watch, m.occurrence) in standing for m in waiting.message.members)
            )
        ]
        with self.db:
            for id_ in given_up:
                self.db.execute("UPDATE outbox SET done_s = ? WHERE id = ?", (now_s, id_))
                self._attempt(id_, now_s * 1000, "none", False, "given up: not tried for a day, and over")
        return len(given_up)

    def set_maintenance(self, node: int, until_s: int, by: str) -> None:
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO maintenance VALUES (?, ?, ?)", (node, until_s, by))


def _opened(path: Path | str, now_ms: int) -> apsw.Connection:
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(10_000)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        migrate(db, now_ms, MIGRATIONS)
    except BaseException:
        db.close()
        raise
    return db


def _meta(cursor: Cursor) -> list[tuple[str, Any]]:
    return [("store_id", cursor[0]), ("commit", cursor[1])]


def _event_row(happened: Happened) -> tuple[Any, ...]:
    watch, event = happened.watch, happened.event
    return (
        event.at_s,
        watch.rule.id,
        watch.node.id,
        event.occurrence,
        str(event.kind),
        watch.rule.priority,
        event.notify,
        event.value,
        event.measured_at_s,
        event.evidence,
        event.by,
        event.note,
    )


def _message(row: tuple[Any, ...]) -> Message:
    key, recipient, priority, kind, created_s, due_s, members, level, drill = row
    listed = tuple(Member(**member) for member in json.loads(members))
    return Message(key, recipient, priority, kind, created_s, due_s, listed, level, bool(drill))
