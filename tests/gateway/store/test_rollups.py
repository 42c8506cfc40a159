"""Hours and days are made once they have ended, and revised by what comes later."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from device_configs.loader import SITES, load_site
from device_configs.model import Site
from gateway.model import Record
from gateway.rollup import HOUR_S, Rollup
from gateway.store import Change, Store
from gateway.store.pruning import note_synced, prune, segments
from gateway.store.rollups import DAY_S, FILE_NAME, RollupBook, keep
from gateway.store.sealing import next_segment
from gateway.store.upkeep import seal

SITE = load_site(SITES / "narvik-demo")
SNOW = next(node for node in SITE.nodes if node.profile.name == "snow")
BEGIN_S = 1_795_042_800 // HOUR_S * HOUR_S  # some hour of November 2026; all of it in one local day


def measured(seq: int, distance_mm: int, at_s: int) -> Record:
    values = (distance_mm, 4, -150, 3600)
    return Record(SNOW.id, 7, seq, at_s, 0, at_s * 1000, SNOW.profile.schema_id, values, (0, 0, 0, 0), "mqtt")


class Clock:
    now_s = float(BEGIN_S)

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "store.db")
    await opened.append(
        Change(records=[measured(n, 2000 + n, BEGIN_S + 600 * n) for n in range(18) if n != 2])
    )
    yield opened
    await opened.close()


def book_of(tmp_path: Path, clock: Clock, site: Site = SITE) -> RollupBook:
    return RollupBook.open(tmp_path / FILE_NAME, site, clock)


async def test_hours_days_and_what_comes_late(tmp_path: Path, store: Store) -> None:
    clock = Clock()
    clock.now_s = BEGIN_S + 2 * HOUR_S + 900  # the third hour is not over
    book = book_of(tmp_path, clock)
    assert book.follow(store.reader) == 2
    first, second = book.between(HOUR_S, SNOW.id, 0, 1 << 40)
    assert (first.start_s, first.revision, dict(first.changed)) == (BEGIN_S, 1, {})
    assert first.rollups["distance_mm"] == Rollup(5, 10013, 2000, 2005)
    assert second.rollups["distance_mm"].count == 6
    (day,) = book.between(DAY_S, SNOW.id, 0, 1 << 40)
    assert day.rollups["distance_mm"].count == 11
    assert "depth_mm" in day.rollups

    await store.append(Change(records=[measured(2, 1000, BEGIN_S + 1200)]))
    assert book.follow(store.reader) == 1
    first, _ = book.between(HOUR_S, SNOW.id, 0, 1 << 40)
    assert (first.revision, first.changed["distance_mm"]) == (2, (1, 1000))
    assert first.rollups["distance_mm"] == Rollup(6, 11013, 1000, 2005)
    (day,) = book.between(DAY_S, SNOW.id, 0, 1 << 40)
    assert (day.revision, day.changed["distance_mm"]) == (2, (1, 1000))
    assert book.follow(store.reader) == 0
    book.close()


async def test_a_corrected_calibration_makes_a_revision(tmp_path: Path, store: Store) -> None:
    clock = Clock()
    clock.now_s = BEGIN_S + 5 * HOUR_S
    book = book_of(tmp_path, clock)
    assert book.follow(store.reader) == 3
    before = book.between(HOUR_S, SNOW.id, 0, 1 << 40)[0]
    book.close()
    old = SNOW.calibration[-1]
    right = old.model_copy(update={"revision": 99, "value0": old.value0 + 20, "value1": old.value1 + 20})
    corrected = replace(SNOW, calibration=(*SNOW.calibration, right))
    site = replace(SITE, nodes=tuple(corrected if n is SNOW else n for n in SITE.nodes))
    book = book_of(tmp_path, clock, site)
    assert book.follow(store.reader) == 3
    after = book.between(HOUR_S, SNOW.id, 0, 1 << 40)[0]
    assert (after.revision, dict(after.changed)) == (2, {"depth_mm": (0, 5 * 20)})
    assert after.rollups["distance_mm"] == before.rollups["distance_mm"]
    assert book.follow(store.reader) == 0
    book.close()


async def test_an_hour_with_pruned_records_stays_as_it_was_made(tmp_path: Path, store: Store) -> None:
    clock = Clock()
    clock.now_s = BEGIN_S + 5 * HOUR_S
    book = book_of(tmp_path, clock)
    book.follow(store.reader)
    kept = book.between(HOUR_S, SNOW.id, 0, 1 << 40)
    await store.perform(lambda db: db.execute("DELETE FROM records WHERE commit_no <= 3"))
    late = replace(measured(99, 2000, BEGIN_S + 1), quality=(2, 2, 2, 2))
    await store.append(Change(records=[late]))
    assert book.follow(store.reader) == 1
    assert book.between(HOUR_S, SNOW.id, 0, 1 << 40) == kept
    book.close()


async def test_they_outlive_their_records(tmp_path: Path, store: Store) -> None:
    clock = Clock()
    clock.now_s = BEGIN_S + 5 * HOUR_S
    book = book_of(tmp_path, clock)
    book.follow(store.reader)
    kept = book.between(HOUR_S, SNOW.id, 0, 1 << 40)
    segment = next_segment(store.reader.connection, everything=True)
    assert segment is not None
    await seal(store, segment, 1)
    await store.perform(lambda db: note_synced(db, [(1, 999)]))
    await store.perform(lambda db: prune(db, segments(db)[0], 2))
    assert store.after(0, 99) == []
    await store.perform(
        lambda db: db.execute("UPDATE meta SET value = x'0102030405060708' WHERE key = 'store_id'")
    )
    assert book.follow(store.reader) == 0
    assert book.between(HOUR_S, SNOW.id, 0, 1 << 40) == kept
    clock.now_s += 801 * DAY_S
    book.follow(store.reader)
    assert book.between(HOUR_S, SNOW.id, 0, 1 << 40) == []
    assert len(book.between(DAY_S, SNOW.id, 0, 1 << 40)) == 1  # days are kept for ever
    book.close()


async def test_a_damaged_file_is_made_anew(tmp_path: Path, store: Store) -> None:
    path = tmp_path / FILE_NAME
    write_text(path)
    running = asyncio.create_task(keep(store.path, path, SITE, every_s=0.01))
    async with asyncio.timeout(60):
        while not count_in(path):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert count_in(path) == 1  # by the real clock the hours lie in the future or long past; the cursor moved


def write_text(path: Path) -> None:
    path.write_text("no database at all. " * 300)


def count_in(path: Path) -> int:
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error:
        return 0
    try:
        return int(db.execute("SELECT count(*) FROM cursor").get or 0)
    except apsw.Error:
        return 0
    finally:
        db.close()


def test_it_is_read_beside_the_one_that_writes_it(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert RollupBook.read(path, SITE) is None
    writing = RollupBook.open(path, SITE)
    try:
        reading = RollupBook.read(path, SITE)
        assert reading is not None
        assert reading.between(HOUR_S, 11, 0, 10**10) == []
        reading.close()
    finally:
        writing.close()
