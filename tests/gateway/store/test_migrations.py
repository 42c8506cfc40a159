"""Each step of the schema and its record are one transaction."""

from pathlib import Path

import apsw
import pytest

from gateway.store import Store, StoreError
from gateway.store.migrations import MIGRATIONS, NewerSchema, migrate

STEPS = (("first", "CREATE TABLE a (x)"), ("second", "CREATE TABLE b (x); INSERT INTO a VALUES (1)"))


def tables(db: apsw.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_steps_are_taken_once_and_recorded() -> None:
    db = apsw.Connection("")
    assert migrate(db, 5, STEPS[:1]) == 1
    assert migrate(db, 6, STEPS) == 1
    assert migrate(db, 7, STEPS) == 0
    assert db.execute("SELECT * FROM migrations").fetchall() == [(1, "first", 5), (2, "second", 6)]
    assert db.execute("SELECT * FROM a").get == 1


def test_a_step_that_fails_leaves_nothing_behind() -> None:
    db = apsw.Connection("")
    broken = (STEPS[0], ("second", "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(apsw.SQLError):
        migrate(db, 5, broken)
    assert tables(db) == {"migrations", "a"}
    assert migrate(db, 6, STEPS) == 1
    assert tables(db) == {"migrations", "a", "b"}


def test_a_newer_schema_is_left_alone() -> None:
    db = apsw.Connection("")
    migrate(db, 5, STEPS)
    with pytest.raises(NewerSchema, match="schema version 2, this gateway knows 1"):
        migrate(db, 6, STEPS[:1])


async def test_the_store_says_so_in_words(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await Store.open(path).close()
    with apsw.Connection(str(path)) as db:
        db.execute("INSERT INTO migrations VALUES (?, 'from the future', 0)", (len(MIGRATIONS) + 1,))
    db.close()
    with pytest.raises(StoreError, match="Install the gateway version that wrote it"):
        Store.open(path)


async def test_every_version_leads_to_the_newest(tmp_path: Path) -> None:
    """From each earlier schema on, migrating gives the same tables as starting afresh."""
    newest = apsw.Connection("")
    migrate(newest, 0)
    for version in range(len(MIGRATIONS)):
        db = apsw.Connection("")
        migrate(db, 0, MIGRATIONS[:version])
        migrate(db, 0)
        assert tables(db) == tables(newest)
