"""Opening a store for writing: made, migrated, salvaged or told from an older copy of itself as needed."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import apsw
import structlog

from gateway.store.change import StoreError
from gateway.store.damage import DAMAGE, set_aside_with_log
from gateway.store.files import all_files, detour_file, opened_file, suspect_file
from gateway.store.migrations import APPLICATION_ID, NewerSchema, migrate
from gateway.store.salvage import Salvaged, salvage

log = structlog.get_logger()

# Before this, two processes on one database in WAL mode could damage it (sqlite.org/wal.html, section 11).
SQLITE_MIN = (3, 51, 3)
STORE_ID_SIZE = 8
CHECKED_WHOLE_MAX = 256 << 20  # bytes: a larger one is only looked through when it has been suspect
WAL_KEPT = 8 << 20  # bytes the log may keep on disk, so that pruning has room also when the disk is full


@dataclass(frozen=True, slots=True)
class Opened:
    """`salvaged` says what became of a damaged store that was there before, if one was."""

    db: apsw.Connection
    salvaged: Salvaged | None


def open_database(path: Path, clock: Callable[[], int]) -> Opened:
    """Open the store at `path` for writing. Raises StoreError; a damaged store is no reason to."""
    if tuple(map(int, apsw.sqlite_lib_version().split("."))) < SQLITE_MIN:
        raise StoreError(
            f"SQLite {apsw.sqlite_lib_version()} can damage a store that is read while it is written. "
            "Install the locked version of the package apsw."
        )
    try:
        return _open(path, clock())
    except NewerSchema as error:
        raise StoreError(
            f"{path}: {error}. Install the gateway version that wrote it, or a newer one."
        ) from error
    except (apsw.Error, OSError) as error:
        raise StoreError(f"{path}: the store cannot be opened: {error}") from error


def _open(path: Path, now_ms: int) -> Opened:
    suspect = suspect_file(path)
    try:
        db = _connect(path, now_ms)
        try:
            _check(db, path, thorough=suspect.exists())
        except BaseException:
            db.close()
            raise
        salvaged = None
    except DAMAGE as error:
        aside = set_aside_with_log(path, now_ms)
        db = _connect(path, now_ms)
        salvaged = salvage(aside, db, str(error))
    suspect.unlink(missing_ok=True)
    _count_opening(db, path)
    detour = detour_file(path)
    if detour.exists():  # they would not understand what this store tells them before a new welcome
        with db:
            db.execute("UPDATE nodes SET welcomed = 0")
        detour.unlink()
    return Opened(db, salvaged)


def _connect(path: Path, now_ms: int) -> apsw.Connection:
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(10_000)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(db, now_ms)
        with db:
            db.execute("INSERT OR IGNORE INTO meta VALUES ('store_id', ?)", (os.urandom(STORE_ID_SIZE),))
            db.execute("INSERT OR IGNORE INTO meta VALUES ('created_at_ms', ?)", (now_ms,))
    except BaseException:
        db.close()
        raise
    return db


def _check(db: apsw.Connection, path: Path, *, thorough: bool) -> None:
    """Raise CorruptError where the database is damaged, as far as looking takes no more than seconds."""
    if thorough or path.stat().st_size <= CHECKED_WHOLE_MAX:
        ((finding,),) = db.execute("PRAGMA quick_check(1)")
        if finding != "ok":
            raise apsw.CorruptError(str(finding))
        return
    for table in ("nodes", "epochs", "heard", "losses", "anchors", "segments"):
        db.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608


def _count_opening(db: apsw.Connection, path: Path) -> None:
    """Count the openings in the store and beside it. One that is behind is an older copy put back.

    It gets an id of its own then: with the old id it would give commit numbers and downlink counters a
    second time.
    """
    beside = opened_file(path)
    ((here,),) = db.execute("SELECT coalesce((SELECT value FROM meta WHERE key = 'opened'), 0)")
    seen = 0
    with suppress(OSError, ValueError):
        seen = int(beside.read_text())
    if seen > here > 0:
        log.warning("store_is_an_older_copy", next="it gets a new id, and sync sends all its records")
        renew(db)
    opened = max(here, seen) + 1
    with db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('opened', ?)", (opened,))
    beside.write_text(f"{opened}\n")


def renew(db: apsw.Connection) -> None:
    """Give the store a new id, as after every restore: no cursor and no nonce of the old one goes on."""
    with db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('store_id', ?)", (os.urandom(STORE_ID_SIZE),))
        db.execute("DELETE FROM synced")
        db.execute("UPDATE nodes SET welcomed = 0")


def remove(path: Path) -> None:
    """Delete the store at `path` with all that belongs to it."""
    for file in all_files(path):
        file.unlink(missing_ok=True)
