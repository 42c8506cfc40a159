from pathlib import Path

import apsw
import pytest

from gateway.store.damage import Unreadable, blamed, is_damaged, set_aside, set_aside_with_log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
    with db:
        db.executemany("INSERT INTO t VALUES (?, ?)", [(i, "x" * 200) for i in range(500)])
    db.close()
    return path


def hurt(path: Path) -> None:
    """Overwrite a page in the middle: the file opens, and reading all of it fails."""
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096)


def test_a_whole_file_a_hurt_one_one_that_is_none_and_no_file(path: Path) -> None:
    assert not is_damaged(path)
    hurt(path)
    assert is_damaged(path)
    path.write_text("not a database, but long enough to be taken for one" * 50)
    assert is_damaged(path)
    path.unlink()
    assert not is_damaged(path)


def test_the_damaged_one_is_blamed(path: Path) -> None:
    other = path.with_name("b.db")
    error = apsw.CorruptError("malformed")
    plain = blamed([other, path], error)
    assert not isinstance(plain, Unreadable)
    assert "a.db" in str(plain)
    hurt(path)
    found = blamed([other, path], error, "Do this.")
    assert isinstance(found, Unreadable)
    assert (found.path, found.damaged) == (path, True)
    assert str(found).endswith("is damaged (malformed). Do this.")


def test_it_is_kept_under_another_name(path: Path) -> None:
    hurt(path)
    path.with_name("a.db-wal").write_bytes(b"")
    was = path.read_bytes()
    aside = set_aside(path, 17)
    assert (aside.name, aside.read_bytes()) == ("a.db.damaged-17", was)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.db.damaged-17"]


def test_what_is_out_of_reach_is_not_damaged() -> None:
    found = Unreadable.of(Path("x.db"), apsw.CantOpenError("no"), "See.")
    assert (str(found), found.damaged) == ("x.db: cannot be read (no). See.", False)
    assert Unreadable.of(Path("x.db"), apsw.NotADBError("no")).damaged


def test_the_log_goes_along_where_it_is_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for suffix in ("", "-wal"):  # there may be no index: SQLite makes it anew
        path.with_name(path.name + suffix).write_text(suffix)
    aside = set_aside_with_log(path, 17)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.db.damaged-17", "a.db.damaged-17-wal"]
    assert aside.with_name(aside.name + "-wal").read_text() == "-wal"
