"""The store seals itself and stays below its cap."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model import Ack
from gateway.store import Change, Store, StoreError, sealing
from gateway.store.conditions import Room
from gateway.store.pruning import Limits, note_synced, synced_set
from gateway.store.store import Trouble
from gateway.store.upkeep import Unusable, Upkeep, tend
from tests.gateway.store.made import made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "LEAST", 500)


async def fill(store: Store, start: int, count: int = 2000) -> None:
    """Noise in every value, so that the records take room."""
    noise = random.Random(start)
    records = [made(n) for n in range(start, start + count)]
    await store.append(
        Change(records=[replace(r, values=tuple(noise.choices(range(1 << 30), k=3))) for r in records])
    )


async def test_it_seals_what_is_due(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    await fill(store, 0)
    room = await tend(store, Limits(), 7)
    assert room.state == "ok"
    assert 0 < room.used_bytes <= room.disk_bytes
    assert room.unsynced_bytes == room.used_bytes
    hot = store.reader.connection.execute("SELECT count(*) FROM records").get
    assert hot == 500  # below twice a segment
    assert [r.seq for r in store.after(0, 9999)] == list(range(2000))
    assert (await store.append(Change(records=[made(3)]))).duplicates == 1
    await store.close()


async def test_it_stays_below_the_cap_and_counts_what_that_costs(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    limits = Limits(cap_bytes=600_000, free_bytes=0)
    lost, seen = 0, set()
    for start in range(0, 80_000, 2000):
        await fill(store, start)
        room = await tend(store, limits, 7)
        lost += room.lost
        seen.add(room.state)
        assert room.used_bytes <= limits.drop_bytes
    assert seen == {"ok", "watermark", "losing"}
    assert sum(loss.last - loss.first + 1 for loss in store.reader.losses()) == lost > 0
    (line,) = [(len(store.after(0, 99_999)), store.reader.stored()[11])]
    assert line == (80_000 - lost, 80_000)
    await store.close()


async def test_what_is_synced_makes_room_without_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    limits = Limits(cap_bytes=600_000, free_bytes=0)
    for start in range(0, 80_000, 2000):
        await fill(store, start)
        upto = start + 1000
        await store.perform(lambda db, upto=upto: note_synced(db, [(1, upto)]))  # type: ignore[misc]
        room = await tend(store, limits, 7)
        assert (room.state, room.lost) == ("ok", 0)
        assert room.unsynced_bytes < room.used_bytes <= limits.prune_bytes
    await store.close()


async def test_a_disk_that_others_fill_costs_only_what_is_synced(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store.open(path)
    await fill(store, 0)
    full = Limits(free_bytes=1 << 60)
    assert (await tend(store, full, 7)).lost == 0
    assert len(store.after(0, 9999)) == 2000
    await store.perform(lambda db: note_synced(db, [(1, 1000)]))
    assert (await tend(store, full, 7)).lost == 0
    assert len(store.after(0, 9999)) == 1000
    await store.close()


async def test_work_fails_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    with pytest.raises(StoreError, match="no such table"):
        await store.perform(lambda db: db.execute("INSERT INTO nowhere VALUES (1)"))
    await fill(store, 0, 5)
    assert len(store.after(0, 9)) == 5
    await store.close()


async def test_a_store_in_memory_acknowledges_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db", durable=False)
    change = Change(records=[made(n) for n in range(5)], acks={(11, 0xA1B2C3D4): [4]})
    outcome = await store.append(change)
    assert outcome.stored == 5
    assert outcome.acks == {(11, 0xA1B2C3D4): Ack(0, ())}
    names = [c.name for c in Upkeep(store, Limits(), lambda: 7).conditions()]
    assert names == ["memory_only"]
    await store.close()


async def test_it_runs_and_tells(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    upkeep = Upkeep(store, Limits(), lambda: 7)
    assert upkeep.conditions() == []
    running = asyncio.create_task(upkeep.run(0.01))
    await fill(store, 0)
    async with asyncio.timeout(60):
        while store.reader.connection.execute("SELECT count(*) FROM segments").get != 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await upkeep.synced(store.store_id, [(1, 5)])
    assert not await upkeep.synced(b"another!", [(1, 2000)])
    assert list(synced_set(store.reader.connection)) == [(1, 5)]
    store.trouble = Trouble.DAMAGED
    with pytest.raises(Unusable, match="damaged"):
        await running
    await store.close()


@pytest.mark.parametrize(
    ("trouble", "durable", "ends"),
    [
        (Trouble.FULL, True, False),
        (Trouble.UNWRITABLE, True, True),
        (Trouble.UNWRITABLE, False, False),
        (Trouble.OTHER, True, False),
    ],
)
async def test_which_trouble_needs_a_new_start(
    tmp_path: Path, trouble: Trouble, durable: bool, ends: bool
) -> None:
    store = Store.open(tmp_path / "store.db", durable=durable)
    upkeep = Upkeep(store, Limits(), lambda: 7)
    store.trouble = trouble
    assert ("disk_full" in [c.name for c in upkeep.conditions()]) is (trouble is Trouble.FULL)
    running = asyncio.create_task(upkeep.run())
    await asyncio.wait([running], timeout=60 if ends else 0.2)
    assert running.done() is ends
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()


async def test_what_it_complains_of(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    write_text(path)
    store = Store.open(path)
    upkeep = Upkeep(store, Limits(), lambda: 7)
    assert [(c.name, c.urgent) for c in upkeep.conditions()] == [("salvaged", False)]
    upkeep.room, upkeep.lost = Room(9, 9, 9, 10, 0, lost=4), 7
    assert "7 records were lost" in upkeep.conditions()[0].text
    upkeep.room = Room(9, 9, 9, 10, 0)
    assert "90 %" in upkeep.conditions()[0].text
    await store.close()


def write_text(path: Path) -> None:
    path.write_text("no database at all. " * 300)


async def test_how_long_sync_may_be_away(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    now_ms = 1_795_000_000_000
    upkeep = Upkeep(store, Limits(cap_bytes=600_000, free_bytes=0), lambda: now_ms)
    unknown = (upkeep.outage_hours_left, upkeep.as_dict())
    assert unknown == (None, None)
    for start in range(0, 8000, 2000):
        await fill(store, start)
        await upkeep.look()
        now_ms += 3_600_000
    rate = upkeep.records_per_hour
    assert rate == 2000
    left = upkeep.outage_hours_left
    assert left is not None
    lost_after = 0
    for start in range(8000, 90_000, 2000):
        await fill(store, start)
        await upkeep.look()
        now_ms += 3_600_000
        lost_after += 1
        if upkeep.lost:
            break
    assert lost_after / 3 < left < lost_after * 2  # hot rows are larger than sealed ones: it errs that way
    told = upkeep.as_dict()
    assert told is not None
    assert told["state"] == "losing"
    assert 0 <= told["outage_hours_left"] < 1
    now_ms = 0
    await upkeep.look()
    after_the_clock_went_back = upkeep.records_per_hour
    assert after_the_clock_went_back is None
    await store.close()


async def test_how_long_the_oldest_record_has_waited_for_sync(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    received_ms = made(0).received_at_ms
    upkeep = Upkeep(store, Limits(), lambda: received_ms + 7_200_000)
    await store.append(Change(records=[made(0), made(1), made(2)]))
    await upkeep.look()
    assert upkeep.values()["oldest_unsynced_s"] is None  # nobody has set sync up
    (tmp_path / "sync.db").touch()
    await upkeep.look()
    since_0 = upkeep.values()["oldest_unsynced_s"]
    assert since_0 == 7200
    assert await upkeep.synced(store.store_id, [(1, 2)], "401: unauthorized")
    await upkeep.look()
    assert upkeep.values()["oldest_unsynced_s"] == 7200 - (made(2).received_at_ms - received_ms) // 1000
    assert upkeep.values()["sync_held"] == 1
    assert upkeep.values()["records_quarantined"] is None  # it has not said
    before = store.commits
    assert await upkeep.synced(store.store_id, [(1, 2)], "401: unauthorized", 4)
    assert upkeep.values()["records_quarantined"] == 4
    assert store.commits == before  # told again, and nothing is written again
    assert await upkeep.synced(store.store_id, [(1, 3)], "", 0)
    assert upkeep.values()["records_quarantined"] == 0
    await upkeep.look()
    room = upkeep.as_dict()
    assert room is not None
    assert room["oldest_unsynced_s"] is None
    assert (upkeep.values()["oldest_unsynced_s"], upkeep.values()["sync_held"]) == (0, 0)
    await store.close()


async def test_what_came_in_while_the_clock_stood_at_1970_has_not_waited_for_decades(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    (tmp_path / "sync.db").touch()
    record = replace(made(0), received_at_ms=60_000)
    upkeep = Upkeep(store, Limits(), lambda: (record.measured_at_s + 60) * 1000)
    await store.append(Change(records=[record]))
    await upkeep.look()
    assert upkeep.values()["oldest_unsynced_s"] == 60
    await store.close()


async def test_old_readings_are_forgotten_in_whole_segments(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    upkeep = Upkeep(store, Limits(), lambda: 7)
    await fill(store, 0)
    await upkeep.look()
    assert await upkeep.forget(made(1400).measured_at_s) == 0  # nothing is synced
    assert await upkeep.synced(store.store_id, [(1, 2000)])
    assert await upkeep.forget(made(1400).measured_at_s) == 2
    assert [r.seq for r in store.after(0, 9999)] == list(range(1000, 2000))
    assert store.reader.losses() == []
    assert (await store.append(Change(records=[made(3)]))).duplicates == 1  # heard for ever
    await store.close()


def test_the_watermark_is_the_sites() -> None:
    assert Room(1, 1, 300, 1000, 0).state == "ok"
    assert Room(1, 1, 300, 1000, 0, watermark_percent=20).state == "watermark"
