"""Once a day, with a clock somebody vouches for, what is too old leaves."""

import asyncio
import json
from pathlib import Path

import pytest

from device_configs.retention_schema import Retention
from gateway import audit
from gateway.retention import Forgetting
from gateway.store import Change, Store, sealing
from gateway.store.pruning import Limits
from gateway.store.upkeep import Upkeep
from tests.gateway.alerts.running import Running
from tests.gateway.store.made import made

DAY_S = 86_400
KEEP = Retention(readings_days=60, names_days=90, audit_days=400)


class Place:
    """A store of 2000 records of ten minutes, all synced, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = made(2000).measured_at_s
        self.trusted = True
        self.store = Store.open(folder / "store.db")
        self.upkeep = Upkeep(self.store, Limits(), lambda: self.now_s * 1000)
        self.forgetting = Forgetting(
            KEEP, self.upkeep, None, folder, now_ms=lambda: self.now_s * 1000, trusted=lambda: self.trusted
        )

    async def fill(self) -> None:
        await self.store.append(Change(records=[made(n) for n in range(2000)]))
        await self.upkeep.look()
        assert await self.upkeep.synced(self.store.store_id, [(1, 2000)])

    def kept(self) -> int:
        return len(self.store.after(0, 9999))


async def test_what_is_old_leaves_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LEAST", 500)
    place = Place(tmp_path)
    await place.fill()
    audit.note(tmp_path, place.now_s, "Kari", "ack")
    assert await place.forgetting.look()
    assert place.kept() == 2000
    place.now_s += 54 * DAY_S
    assert await place.forgetting.look()
    assert not await place.forgetting.look()  # today it is done
    assert place.kept() == 1000
    assert json.loads((tmp_path / audit.FILE_NAME).read_text())["who"] == "Kari"
    place.now_s += 60 * DAY_S
    assert await place.forgetting.look()
    assert place.kept() == 500  # what is not sealed yet stays
    assert json.loads((tmp_path / audit.FILE_NAME).read_text())["who"] == ""
    await place.store.close()


async def test_a_clock_nobody_vouches_for_empties_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "LEAST", 500)
    place = Place(tmp_path)
    await place.fill()
    place.trusted, place.now_s = False, 4_000_000_000
    assert not await place.forgetting.look()
    assert place.kept() == 2000
    await place.store.close()


async def test_beside_the_alerts_and_again_after_trouble(tmp_path: Path) -> None:
    running = Running(tmp_path)
    await running.clog()
    upkeep = Upkeep(running.store, Limits(), lambda: running.now_ms)
    forgetting = Forgetting(
        Retention(alerts_days=1), upkeep, running.alerts, tmp_path,
        now_ms=lambda: running.now_ms, trusted=lambda: True,
    )  # fmt: skip
    assert running.events()
    running.now_ms += 3 * DAY_S * 1000
    (tmp_path / audit.FILE_NAME).mkdir()  # no file: it can not be read
    task = asyncio.create_task(forgetting.run(0.01))
    async with asyncio.timeout(60):
        while running.events():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        (tmp_path / audit.FILE_NAME).rmdir()
        while await forgetting.look():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await running.close()
