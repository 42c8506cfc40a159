"""Copies of databases: one moment of them, whole, and without the files that belong to a running one."""

from pathlib import Path

import apsw
import pytest

from gateway.store.migrations import MIGRATIONS
from gateway.store.opening import open_database
from tools.installation import databases
from tools.installation.databases import copy_database, remove_database, schema_differs


def filled(path: Path, rows: int) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (n INTEGER, filler BLOB)")
    with db:
        db.executemany("INSERT INTO t VALUES (?, zeroblob(2000))", ((n,) for n in range(rows)))
    return db


def count(path: Path) -> int:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        found: int = db.execute("SELECT count(*) FROM t").get
        return found
    finally:
        db.close()


def test_what_is_only_in_the_log_yet_is_copied_too(tmp_path: Path) -> None:
    db = filled(tmp_path / "a.db", 10)
    copy_database(tmp_path / "a.db", tmp_path / "b.db")
    assert (tmp_path / "a.db-wal").stat().st_size > 0
    assert count(tmp_path / "b.db") == 10
    assert [path.name for path in tmp_path.glob("b.db*")] == ["b.db"]
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600
    db.close()


def test_what_is_written_meanwhile_is_not_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that commits between any two steps changes nothing of the moment, and does not hold it up."""
    db = filled(tmp_path / "a.db", 500)
    monkeypatch.setattr(databases, "PAGES_A_STEP", 10)
    original = apsw.Connection.backup

    class Stepping:
        def __init__(self, backup: apsw.Backup) -> None:
            self._backup = backup
            self.steps = 0

        def __enter__(self) -> "Stepping":
            return self

        def __exit__(self, *_: object) -> None:
            self._backup.finish()

        @property
        def done(self) -> bool:
            return self._backup.done

        def step(self, pages: int) -> None:
            self.steps += 1
            assert self.steps < 1000
            db.execute("INSERT INTO t VALUES (-1, zeroblob(2000))")
            self._backup.step(pages)

    class Watched(apsw.Connection):
        def backup(self, *names: object) -> Stepping:  # type: ignore[override]
            return Stepping(original(self, *names))  # type: ignore[arg-type]

    monkeypatch.setattr(apsw, "Connection", Watched)
    copy_database(tmp_path / "a.db", tmp_path / "b.db")
    monkeypatch.undo()
    assert count(tmp_path / "b.db") == 500
    assert count(tmp_path / "a.db") > 500
    db.close()


def test_a_damaged_one_is_not_passed_on_as_whole(tmp_path: Path) -> None:
    filled(tmp_path / "a.db", 500).close()
    with (tmp_path / "a.db").open("r+b") as stream:
        stream.seek(8 * 4096)
        stream.write(b"\xff" * 3 * 4096)
    with pytest.raises((apsw.CorruptError, apsw.NotADBError)):
        copy_database(tmp_path / "a.db", tmp_path / "b.db")


def test_remove(tmp_path: Path) -> None:
    for suffix in ("", "-wal", "-shm", ".opened"):
        (tmp_path / f"a.db{suffix}").touch()
    remove_database(tmp_path / "a.db")
    assert [path.name for path in tmp_path.iterdir()] == ["a.db.opened"]
    remove_database(tmp_path / "a.db")


def test_a_store_of_this_version_needs_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(tmp_path / "store.db", lambda: 0).db.close()
    assert not schema_differs(tmp_path / "store.db")
    monkeypatch.setattr(databases, "MIGRATIONS", (*MIGRATIONS, ("next", "")))
    assert schema_differs(tmp_path / "store.db")
