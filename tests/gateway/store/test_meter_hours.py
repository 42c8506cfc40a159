from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from device_configs.loader import SITES, load_site
from device_configs.model import Site
from gateway.energy.metering import Factor, PowerHour, metered
from gateway.energy.registers import Event
from gateway.model import Record, RegisterEvent
from gateway.store import Change, Store, StoreError
from gateway.store.meter_hours import _MIGRATIONS, FILE_NAME, MeterHours, Wanted, wanted
from gateway.store.migrations import migrate
from wire.quantities import MISSING, OK, OUT_OF_RANGE

H = 3600
T0 = 497_500 * H
METER, ROOF = 31, 22


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(SITES / "narvik-demo")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path / "store.db")
    yield opened
    await opened.close()


def record(node: int, seq: int, at_s: int, values: dict[int, int], channels: int, schema: int) -> Record:
    row = tuple(values.get(i) for i in range(channels))
    quality = tuple(OK if value is not None else MISSING for value in row)
    return Record(node, 1, seq, at_s, 0, at_s * 1000, schema, row, quality, "mqtt")


def power(seq: int, at_s: int, watt: int, register: int | None = None) -> Record:
    return record(METER, seq, at_s, {0: watt} | ({} if register is None else {2: register}), 14, 3)


def minutes(first: int, last: int, watt: int = 6000) -> list[Record]:
    return [
        power(m, T0 + 60 * m + 30, watt, 100_000 + 100 * m - 100 * (m % 60) if m % 60 == 0 else None)
        for m in range(first, last)
    ]


def test_what_the_demonstration_site_wants(site: Site) -> None:
    assert [(want.node.id, want.meter, want.means) for want in wanted(site)] == [
        (22, False, ("air_temp_cc",)),
        (31, True, ()),
        (32, True, ()),
    ]


async def test_registers_and_power_by_the_hour(store: Store, site: Site) -> None:
    await store.append(Change(records=minutes(0, 181)))
    with MeterHours.open(None, 0) as kept:
        assert kept.follow(store.reader, wanted(site)) == {METER}
        assert kept.registers(METER) == [(T0 + H * i + 30, 100_000 + 6000 * i) for i in range(4)]
        assert kept.power(METER)[1] == PowerHour(T0 + H, 2 * 6000 * H, H)
        hours = metered(kept.registers(METER), kept.power(METER)).hours
        assert [(hour.wh, hour.estimated) for hour in hours] == [(6000, False)] * 3


async def test_late_records_change_the_hours_they_belong_to(store: Store, site: Site) -> None:
    everything = minutes(0, 181)
    await store.append(Change(records=everything[:50] + everything[100:]))
    with MeterHours.open(None, 0) as kept, MeterHours.open(None, 0) as whole:
        kept.follow(store.reader, wanted(site))
        assert kept.power(METER)[0].covered_s < H
        assert kept.follow(store.reader, wanted(site)) == set()
        await store.append(Change(records=everything[50:100]))
        assert kept.follow(store.reader, wanted(site)) == {METER}
        whole.follow(store.reader, wanted(site))
        assert kept.power(METER) == whole.power(METER)
        assert kept.registers(METER) == whole.registers(METER)
        assert len(kept.registers(METER)) == 4


async def test_doubtful_values_are_not_used(store: Store, site: Site) -> None:
    good = power(1, T0 + 30, 6000, 100)
    doubtful = replace(power(2, T0 + 90, 9_000_000, 5), quality=(OUT_OF_RANGE,) * 14)
    await store.append(Change(records=[good, doubtful]))
    with MeterHours.open(None, 0) as kept:
        kept.follow(store.reader, wanted(site))
        assert kept.registers(METER) == [(T0 + 30, 100)]
        assert kept.power(METER) == []


async def test_means_of_the_outdoor_temperature(store: Store, site: Site) -> None:
    profile = site.node(ROOF).profile
    keys = [channel.key for channel in profile.channels]
    at = keys.index("air_temp_cc")
    made = [
        record(ROOF, i, T0 + 600 * i, {at: -500 + 100 * i}, len(keys), profile.schema_id) for i in range(7)
    ]
    await store.append(Change(records=made))
    with MeterHours.open(None, 0) as kept:
        assert kept.follow(store.reader, wanted(site)) == {ROOF}
        assert kept.means(ROOF, "air_temp_cc") == {T0: -250.0, T0 + H: 100.0}


async def test_a_file_is_gone_on_with_and_read_beside(store: Store, site: Site, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert MeterHours.read(tmp_path) is None
    await store.append(Change(records=minutes(0, 61)))
    with MeterHours.open(path, 0) as kept:
        kept.follow(store.reader, wanted(site))
    await store.append(Change(records=minutes(61, 121)))
    with MeterHours.open(path, 0) as kept:
        assert kept.follow(store.reader, wanted(site)) == {METER}
        beside = MeterHours.read(tmp_path)
        assert beside is not None
        with beside:
            assert beside.registers(METER) == kept.registers(METER)
            assert len(beside.registers(METER)) == 3


async def test_another_calibration_makes_it_anew(store: Store, site: Site) -> None:
    await store.append(Change(records=minutes(0, 61)))
    with MeterHours.open(None, 0) as kept:
        (want,) = (w for w in wanted(site) if w.node.id == METER)
        assert kept.follow(store.reader, [want]) == {METER}
        calibration = site.node(11).calibration[0]
        other = Wanted(replace(want.node, calibration=(calibration,)), True, ())
        assert kept.follow(store.reader, [other]) == {METER}
        assert kept.follow(store.reader, [other]) == set()


async def test_another_store_is_read_from_its_beginning(store: Store, site: Site, tmp_path: Path) -> None:
    await store.append(Change(records=minutes(0, 61)))
    other = Store.open(tmp_path / "other.db")
    await other.append(Change(records=minutes(61, 62)))
    with MeterHours.open(None, 0) as kept:
        kept.follow(store.reader, wanted(site))
        assert kept.follow(other.reader, wanted(site)) == {METER}
        assert len(kept.registers(METER)) == 2
    await other.close()


def test_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("not a database, but long enough to be taken for one" * 50)
    with pytest.raises(StoreError, match="Move it aside: it is made anew"):
        MeterHours.read(tmp_path)
    with pytest.raises(StoreError, match="Move it aside: it is made anew"):
        MeterHours.open(tmp_path / FILE_NAME, 0)


async def test_a_swap_to_a_meter_that_stands_higher_is_no_consumption(store: Store, site: Site) -> None:
    """Its register fits what could have been consumed: only the node knows that it is another meter."""
    await store.append(Change(records=[power(n, T0 + n * H, 6000, 100_000 + 6000 * n) for n in range(4)]))
    await store.append(Change(records=[power(n, T0 + n * H, 6000, 900_000 + 6000 * n) for n in range(4, 8)]))
    seen = RegisterEvent(
        METER, 0, T0 + 4 * H, T0 + 4 * H, "swap", b"aaaa", b"bbbb", ((2, 118_000, 924_000),), 5
    )
    other = replace(seen, node=ROOF)
    jump = replace(seen, kind="jump", time_s=T0 + 5 * H, at_s=T0 + 5 * H)
    with MeterHours.open(None, 0) as kept:
        kept.follow(store.reader, wanted(site))
        assert sum(hour.wh for hour in metered(kept.registers(METER), []).hours) > 800_000
        await store.append(Change(registers=[seen, other, jump]))
        assert kept.follow(store.reader, wanted(site)) == {METER}
        assert kept.follow(store.reader, wanted(site)) == set()
        assert kept.swaps(METER) == [T0 + 4 * H]
        factors = (Factor(0), Factor(kept.swaps(METER)[0]))
        found = metered(kept.registers(METER), kept.power(METER), factors)
    assert [event for _, event in found.events] == [Event.SWAP]
    assert all(hour.wh == 6000 for hour in found.hours)


async def test_a_file_of_an_older_gateway_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    db = apsw.Connection(str(path))
    migrate(db, 0, _MIGRATIONS[:1])
    db.close()
    assert MeterHours.read(tmp_path) is None
    MeterHours.open(path, 0).close()
    with MeterHours.read(tmp_path) as kept:  # type: ignore[union-attr]
        assert kept.swaps(METER) == []
