"""Rollups by hour and day that outlive the records they were made from. rollups.db, owned by the gateway.

They follow the store by a cursor. An hour is made a while after it has ended; a record that comes later, or a
corrected calibration, makes the next revision, which says what it changed. Of each the newest revision is
kept with its difference.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import apsw
import cbor2
import structlog

from device_configs.model import Site
from gateway.model import StoredRecord
from gateway.readings import WrongSchema, readings
from gateway.recalibration import changed_from, timelines
from gateway.rollup import HOUR_S, Rollup, Rollups, day_of, difference, of_readings, together
from gateway.store.change import StoreError
from gateway.store.damage import DAMAGE
from gateway.store.files import database_files
from gateway.store.migrations import migrate
from gateway.store.reader import Reader

log = structlog.get_logger()

FILE_NAME = "rollups.db"
DAY_S = 86_400
SETTLES_S = 600  # after its end an hour is made: by then what was measured in it has mostly come
EVERY_S = 60.0
_PAGE = 10_000  # records followed at once
_DUE = 2000  # hours made in one transaction

_MIGRATIONS = (
    (
        "first",
        """
        CREATE TABLE cursor (store_id BLOB NOT NULL, commit_no INTEGER NOT NULL) STRICT;
        CREATE TABLE calibration (node INTEGER PRIMARY KEY, timeline TEXT NOT NULL) STRICT;
        CREATE TABLE due (node INTEGER NOT NULL, start_s INTEGER NOT NULL,
            PRIMARY KEY (node, start_s)) STRICT, WITHOUT ROWID;
        -- body: CBOR {key: [count, sum, lowest, highest]}; difference: JSON {key: [count, sum]}
        CREATE TABLE rollups (
            period_s INTEGER NOT NULL,   -- 3600, or 86400 for a local day of 23 to 25 hours
            node INTEGER NOT NULL,
            start_s INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            made_at_ms INTEGER NOT NULL,
            body BLOB NOT NULL,
            difference TEXT,
            PRIMARY KEY (period_s, node, start_s)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)


@dataclass(frozen=True, slots=True)
class Made:
    """One hour or day of one node. `changed` is what the last revision added to (count, sum) of each key."""

    node: int
    start_s: int
    revision: int
    rollups: Rollups
    changed: Mapping[str, tuple[int, int]]


class RollupBook:
    """The open rollups.db. One thread at a time uses it."""

    def __init__(self, db: apsw.Connection, site: Site, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._nodes = {node.id: node for node in site.nodes}
        self._timezone = ZoneInfo(site.timezone)
        self._timelines = timelines(site)
        self._keep = site.retention
        self._clock = clock

    @classmethod
    def open(cls, path: Path, site: Site, clock: Callable[[], float] = time.time) -> Self:
        """Open or make it. Raises apsw.Error."""
        db = apsw.Connection(str(path))
        db.execute("PRAGMA journal_mode = WAL").fetchall()
        db.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes back is made again
        migrate(db, round(clock() * 1000), _MIGRATIONS)
        return cls(db, site, clock)

    @classmethod
    def read(cls, path: Path, site: Site) -> Self | None:
        """Open it to be read only; None where there is none yet. Raises apsw.Error."""
        if not path.exists():
            return None
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(2000)
        return cls(db, site)

    def close(self) -> None:
        self._db.close()

    def follow(self, reader: Reader) -> int:
        """Take in what the store has got since, and make what is due; return how many were made."""
        self._recalibrate(reader)
        while self._take(reader):
            pass
        made = 0
        while (count := self._make(reader)) > 0:
            made += count
        self._forget()
        return made

    def between(self, period_s: int, node: int, from_s: int, to_s: int) -> list[Made]:
        """Return the hours (3600) or days (86400) of `node` that begin in from_s <= t < to_s, in order."""
        rows: Iterable[Any] = self._db.execute(
            "SELECT start_s, revision, body, difference FROM rollups "
            "WHERE period_s = ? AND node = ? AND start_s >= ? AND start_s < ? ORDER BY start_s",
            (period_s, node, from_s, to_s),
        )
        return [
            Made(
                node,
                start_s,
                revision,
                _unpacked(body),
                {key: (c, s) for key, (c, s) in json.loads(changed or "{}").items()},
            )
            for start_s, revision, body, changed in rows
        ]

    def _forget(self) -> None:
        """Delete what is older than the site keeps it."""
        days = {HOUR_S: self._keep.hourly_days, DAY_S: self._keep.daily_days}
        with self._db:
            for period_s, kept in days.items():
                if kept is not None:
                    before = int(self._clock()) - kept * DAY_S
                    sql = "DELETE FROM rollups WHERE period_s = ? AND start_s < ?"
                    self._db.execute(sql, (period_s, before))

    def _take(self, reader: Reader) -> bool:
        """Note which hours the next records touch; False at the end."""
        store_id = reader.store_id
        rows: list[Any] = self._db.execute("SELECT store_id, commit_no FROM cursor").fetchall()
        commit = rows[0][1] if rows and bytes(rows[0][0]) == store_id else 0
        records = reader.after(commit, _PAGE)
        if not records:
            return False
        touched = {(r.node, r.measured_at_s // HOUR_S * HOUR_S) for r in records}
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO due VALUES (?, ?)", touched)
            self._db.execute("DELETE FROM cursor")
            self._db.execute("INSERT INTO cursor VALUES (?, ?)", (store_id, records[-1].commit))
        return True

    def _recalibrate(self, reader: Reader) -> None:
        """Hours from where a calibration has changed on are due again, as far as there are records."""
        known: dict[int, str] = dict(self._db.execute("SELECT node, timeline FROM calibration"))
        for node, timeline in self._timelines.items():
            if known.get(node) == timeline:
                continue
            since_s = changed_from(known[node], timeline) if node in known else None
            with self._db:
                if since_s is not None:
                    to_s = int(self._clock()) + DAY_S
                    hours = {t // HOUR_S * HOUR_S for _, _, t in reader.traces(node, since_s, to_s)}
                    self._db.executemany(
                        "INSERT OR IGNORE INTO due VALUES (?, ?)", [(node, h) for h in hours]
                    )
                self._db.execute("INSERT OR REPLACE INTO calibration VALUES (?, ?)", (node, timeline))

    def _make(self, reader: Reader) -> int:
        ended_s = int(self._clock()) - SETTLES_S - HOUR_S
        due: list[Any] = self._db.execute(
            "SELECT node, start_s FROM due WHERE start_s <= ? ORDER BY node, start_s LIMIT ?", (ended_s, _DUE)
        ).fetchall()
        days = set()
        with self._db:
            for node, start_s in due:
                records = reader.history(node, start_s, start_s + HOUR_S)
                if self._all_there(node, start_s, len(records)):
                    self._enter(HOUR_S, node, start_s, self._of(node, records))
                    days.add((node, *day_of(start_s, self._timezone)))
            for node, from_s, to_s in days:
                hours = self.between(HOUR_S, node, from_s, to_s)
                self._enter(DAY_S, node, from_s, together(hour.rollups for hour in hours))
            self._db.executemany("DELETE FROM due WHERE node = ? AND start_s = ?", due)
        return len(due)

    def _all_there(self, node: int, start_s: int, records: int) -> bool:
        """Whether the hour's records are still in the store; of pruned ones what was made of them stays."""
        before = self.between(HOUR_S, node, start_s, start_s + 1)
        most = max((r.count for r in before[0].rollups.values()), default=0) if before else 0
        return records > 0 and records >= most

    def _of(self, node_id: int, records: Iterable[StoredRecord]) -> dict[str, Rollup]:
        node = self._nodes.get(node_id)
        found = []
        for record in records:
            try:
                found += readings(record, node) if node is not None else []
            except WrongSchema:
                continue  # made under an earlier profile of its node
        return of_readings(found)

    def _enter(self, period_s: int, node: int, start_s: int, rollups: Rollups) -> None:
        before = self.between(period_s, node, start_s, start_s + 1)
        changed = difference(before[0].rollups, rollups) if before else {}
        if before and not changed:
            return
        self._db.execute(
            "INSERT OR REPLACE INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                period_s,
                node,
                start_s,
                before[0].revision + 1 if before else 1,
                round(self._clock() * 1000),
                cbor2.dumps(
                    {key: [r.count, r.sum, r.lowest, r.highest] for key, r in sorted(rollups.items())}
                ),
                json.dumps(changed) if changed else None,
            ),
        )


async def keep(store: Path, path: Path, site: Site, every_s: float = EVERY_S) -> None:
    """Follow the store at `store` until cancelled, beside everything else. Trouble is logged, and waited out.

    A file that is damaged is made anew from the records there are.
    """
    while True:
        try:
            await asyncio.to_thread(_follow_once, store, path, site)
        except DAMAGE as error:
            log.error("rollups_damaged", reason=str(error), next="they are made anew")  # noqa: TRY400
            for file in database_files(path):
                file.unlink(missing_ok=True)
        except (apsw.Error, StoreError, OSError) as error:
            log.warning("rollups_wait", reason=str(error))
        await asyncio.sleep(every_s)


def _follow_once(store: Path, path: Path, site: Site) -> None:
    book = RollupBook.open(path, site)
    try:
        with Reader.open(store) as reader:
            book.follow(reader)
    finally:
        book.close()


def _unpacked(body: bytes) -> dict[str, Rollup]:
    return {key: Rollup(*numbers) for key, numbers in cbor2.loads(body).items()}
