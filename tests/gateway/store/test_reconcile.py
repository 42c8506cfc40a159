"""Days are closed once they have settled, and revised when something comes later."""

from pathlib import Path

from gateway.ledger import DAY_S, Day
from gateway.model import Loss
from gateway.store import Change, Store
from gateway.store.pruning import Limits, note_synced, prune, segments
from gateway.store.reconcile import DayLine, captures, closed, days_of, is_due, open_days, reconcile
from gateway.store.sealing import next_segment
from gateway.store.upkeep import Upkeep, seal
from tests.gateway.store.made import made

EPOCH = 0xA1B2C3D4
START_S = 20_700 * DAY_S


def hourly(*seqs: int) -> Change:
    return Change(records=[made(n, at_s=START_S + 3600 * n) for n in seqs])


async def test_a_day_is_closed_and_revised(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    now_s = START_S + 3 * DAY_S + 100
    upkeep = Upkeep(store, Limits(), lambda: now_s * 1000)
    await store.append(hourly(*range(10), *range(12, 72)))
    await store.append(Change(losses=[Loss(11, EPOCH, 10, 10, "overwritten", 1)]))
    assert is_due(store.reader, now_s)
    await upkeep.look()
    assert not is_due(store.reader, now_s)
    first, second = closed(store.reader, 11, START_S, now_s)  # the third has not settled
    assert first == DayLine(11, START_S, Day(22, 1, {"overwritten": 1}), 1)
    assert second == DayLine(11, START_S + DAY_S, Day(24), 1)
    assert open_days(store.reader, now_s) == [(11, START_S, 1)]
    assert captures(store.reader, {11: 3600, 12: 600}, START_S) == {11: 100 * 46 / 48}
    assert open_days(store.reader, now_s + 35 * DAY_S) == []  # by then no node holds anything of it
    assert [c.name for c in upkeep.conditions()] == ["ledger_open"]
    assert upkeep.values()["records_unaccounted"] == 1

    await store.append(hourly(11))
    await upkeep.look()  # once a day is enough
    assert len(open_days(store.reader, now_s)) == 1
    now_s += DAY_S
    await upkeep.look()
    first, *_ = closed(store.reader, 11, START_S, now_s)
    assert first == DayLine(11, START_S, Day(23, 0, {"overwritten": 1}), 2, 1)
    assert upkeep.conditions() == []
    assert reconcile(store.reader, [11], now_s) == []

    segment = next_segment(store.reader.connection, everything=True)
    assert segment is not None
    await seal(store, segment, 1)
    assert days_of(store.reader, 11, START_S, START_S + DAY_S)[START_S] == first.day
    await store.perform(lambda db: note_synced(db, [(1, 999)]))
    await store.perform(lambda db: prune(db, segments(db)[0], 2))
    assert reconcile(store.reader, [11], now_s) == []  # what was pruned was counted before
    await store.close()
