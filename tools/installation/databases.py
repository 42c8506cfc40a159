"""Whole copies of SQLite databases, also of one that a running gateway is writing."""

from pathlib import Path

import apsw

from gateway.store.files import database_files
from gateway.store.migrations import MIGRATIONS

PAGES_A_STEP = 2000  # between two steps the writer gets its turn


def copy_database(source: Path, target: Path) -> None:
    """Write a copy of `source`, at one moment of it, to the new file `target`. Raises apsw.Error, OSError."""
    reading = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        reading.set_busy_timeout(10_000)
        # The transaction holds the moment: whatever is written meanwhile does not start the copy again.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        writing = apsw.Connection(str(target))
        try:
            with writing.backup("main", reading, "main") as backup:
                while not backup.done:
                    backup.step(PAGES_A_STEP)
            writing.execute("PRAGMA journal_mode = DELETE")
            ((finding,),) = writing.execute("PRAGMA quick_check(1)")
            if finding != "ok":
                raise apsw.CorruptError(f"{source}: {finding}")
        finally:
            writing.close()
    finally:
        reading.close()
    target.chmod(0o600)


def remove_database(path: Path) -> None:
    """Delete it with all that belongs to it."""
    for file in (*database_files(path), path.with_name(f"{path.name}-journal")):
        file.unlink(missing_ok=True)


def schema_differs(store: Path) -> bool:
    """Whether this version would change how the store is laid out. Raises apsw.Error."""
    db = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        done: int = db.execute("SELECT coalesce(max(version), 0) FROM migrations").get
    finally:
        db.close()
    return done != len(MIGRATIONS)
