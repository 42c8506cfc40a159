"""Rows found by their pages are those that SQLite itself reads; rubbish is none."""

import random
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store.pages import PAGE_SIZE, Pages, Row

VALUES = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(-200, 200),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.binary(max_size=9000),
)


def found(path: Path) -> dict[int, Row]:
    """The rows of `things`, by their first value, which marks them as such."""
    pages = Pages(path)
    rows: dict[int, Row] = {}
    rows.update((row_id, row) for row_id, row in pages.rows() if len(row) == 4 and row[1] == "mark")
    pages.close()
    return rows


def made(path: Path, rows: list[tuple[object, object]], page_size: int = PAGE_SIZE) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.execute(f"PRAGMA page_size = {page_size}; PRAGMA journal_mode = WAL").fetchall()
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, mark TEXT, a ANY, b ANY) STRICT")
    with db:
        db.executemany("INSERT INTO things (mark, a, b) VALUES ('mark', ?, ?)", rows)
    return db


def read(db: apsw.Connection) -> dict[int, Row]:
    return {row[0]: (None, *row[1:]) for row in db.execute("SELECT id, mark, a, b FROM things")}


@settings(max_examples=30)
@given(
    rows=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12),
    size=st.sampled_from((512, 4096, 65536)),
)
def test_it_reads_what_sqlite_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, object]], size: int
) -> None:
    path = tmp_path_factory.mktemp("pages") / "a.db"
    db = made(path, rows, size)
    expected = read(db)
    assert found(path) == expected  # from the log
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert found(path) == expected  # from the file
    db.execute("UPDATE things SET b = 7 WHERE id = 1")
    assert found(path) == read(db)  # the log has the newer page
    db.close()


def test_without_its_first_pages_and_without_a_log(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    db = made(path, [(n, bytes(9000) if n % 7 == 0 else b"x" * 50) for n in range(2000)])
    expected = read(db)
    db.close()
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(3 * PAGE_SIZE))
    rows = found(path)
    assert rows.items() <= expected.items()
    assert len(rows) > 1900


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data, chance: chance.randbytes(len(data)),
        lambda data, _chance: data[: len(data) // 2 + 100],
        lambda data, chance: bytes(b ^ (chance.random() < 0.01) * 255 for b in data),
        lambda _data, _chance: b"",
        lambda data, _chance: bytes([0x0D]) * len(data),
    ],
)
def test_rubbish_is_no_row_and_no_error(
    tmp_path: Path, spoil: Callable[[bytes, random.Random], bytes]
) -> None:
    path = tmp_path / "a.db"
    db = made(path, [(n, b"y" * (n * 40)) for n in range(200)])
    db.close()
    for seed in range(5):
        path.write_bytes(spoil(path.read_bytes(), random.Random(seed)))
        found(path)
