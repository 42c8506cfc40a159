import asyncio
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from gateway.model import Record
from gateway.store import Change, Store, StoreError
from gateway.store.meter_hours import FILE_NAME, MeterHours
from gateway.web.energy_view import EnergyView
from gateway.web.meter_keeper import keep_meters
from tests.gateway.web.energy_made import site

T0 = 497_500 * 3600


def record(seq: int) -> Record:
    values = (5000, None, 1_000_000 + 5000 * seq, *[None] * 11)
    quality = tuple(0 if value is not None else 1 for value in values)
    return Record(31, 1, seq, T0 + 3600 * seq + 30, 0, 1, 3, values, quality, "mqtt")


Said = pytest.CaptureFixture[str]


async def test_it_follows_the_store_and_survives_trouble(tmp_path: Path, capsys: Said) -> None:
    view = EnergyView(site(), tmp_path, lambda: T0 + 86_400, lambda *_: ())
    path = tmp_path / "store.db"
    keeping = asyncio.create_task(keep_meters(view, tmp_path, path, threading.Event(), every_s=0.02))
    said = ""
    async with asyncio.timeout(60):
        while "energy_figures_stand_still" not in said:  # there is no store yet
            await asyncio.sleep(0.02)
            said += capsys.readouterr().out
    store = Store.open(path)
    await store.append(Change(records=[record(seq) for seq in range(3)]))
    async with asyncio.timeout(60):
        while len(_registers(tmp_path)) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await store.append(Change(records=[record(3)]))
        while len(_registers(tmp_path)) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    await store.close()
    assert (said + capsys.readouterr().out).count("energy_figures_stand_still") == 1


@pytest.mark.parametrize("when", ["before the start", "at work"])
async def test_a_damaged_file_is_set_aside_and_made_anew(tmp_path: Path, capsys: Said, when: str) -> None:
    view = EnergyView(site(), tmp_path, lambda: T0 + 86_400, lambda *_: ())
    store = Store.open(tmp_path / "store.db")
    await store.append(Change(records=[record(seq) for seq in range(3)]))
    path = tmp_path / FILE_NAME
    with MeterHours.open(path, 0) as kept, kept._db as db:  # long enough to be hurt in the middle
        # All in one hour: the figures of decades would keep the next round for a minute.
        db.executemany("INSERT INTO registers VALUES (31, ?, 1)", [(T0 - 1 - i,) for i in range(2000)])
    if when == "before the start":
        path.write_text("not a database, but long enough to be taken for one" * 50)
    keeping = asyncio.create_task(
        keep_meters(view, tmp_path, tmp_path / "store.db", threading.Event(), every_s=0.02)
    )
    async with asyncio.timeout(60):
        if when == "at work":
            while len(_registers(tmp_path)) < 2003:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            with path.open("r+b") as file:
                file.seek(4096 * 7)
                file.write(b"\xff" * 4096 * 2)
        while True:
            if when == "at work":
                with suppress(StoreError):  # a page asks, and finds out
                    view.building("radhuset", None)
            with suppress(StoreError, apsw.Error):
                if _aside(tmp_path) and len(_registers(tmp_path)) == 3:
                    break
            await asyncio.sleep(0.02)
    assert len(_aside(tmp_path)) == 1
    assert view.building("radhuset", None).months[0].year == 2026
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    await store.close()
    assert capsys.readouterr().out.count("meters_set_aside") == 1


def _aside(state: Path) -> list[Path]:
    return list(state.glob(f"{FILE_NAME}.damaged-*"))


def _registers(state: Path) -> list[tuple[int, int]]:
    kept = MeterHours.read(state)
    if kept is None:
        return []
    with kept:
        return kept.registers(31)


async def test_a_site_without_buildings_needs_none(tmp_path: Path) -> None:
    view = EnergyView(replace(site(), buildings=()), tmp_path, lambda: 0.0, lambda *_: ())
    async with asyncio.timeout(60):
        await keep_meters(view, tmp_path, tmp_path / "store.db", threading.Event())
    assert not (tmp_path / FILE_NAME).exists()
