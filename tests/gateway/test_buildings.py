"""A building's series, from its nodes and from what others gave."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from device_configs.building_schema import Building, Meter, OutdoorTemperature, Swap, UseHours
from device_configs.loader import SITES, load_site
from device_configs.model import Site
from gateway.buildings import Sources, factors
from gateway.energy.given import Given
from gateway.energy.hours import Hour
from gateway.energy.metering import Factor
from gateway.energy.registers import Event
from gateway.store.energy_book import TEMPERATURE, EnergyBook, Series
from gateway.store.meter_hours import MeterHours
from tests.gateway.energy.series import local

H = 3600
T0 = local("2026-01-12 00:00")  # a Monday


class Kept(MeterHours):
    """Registers that count 1000 Wh an hour on both meters' ports, and an outdoor probe."""

    def __init__(self) -> None:
        pass

    def registers(self, node: int) -> list[tuple[int, int]]:
        return [(T0 + H * i + 30, 1000 * i) for i in range(25)]

    def swaps(self, node: int) -> list[int]:
        return []

    def power(self, node: int) -> list:  # type: ignore[type-arg]
        return []

    def means(self, node: int, key: str) -> dict[int, float]:
        return {T0: -550.0}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[EnergyBook]:
    with EnergyBook.write(tmp_path, 1) as opened:
        yield opened


@pytest.fixture(scope="module")
def demo() -> Site:
    return load_site(SITES / "narvik-demo")


def building(**changes: object) -> Building:
    meters = (Meter(node=31, meter_factor=2.0, source="s"), Meter(node=32, source="s"))
    plain = {"id": "b", "name": "B", "heated_area_m2": 100.0, "area_source": "s", "meters": meters}
    return Building.model_validate({**plain, **changes})


def sources(demo: Site, book: EnergyBook | None, **changes: object) -> Sources:
    return Sources(replace(demo, buildings=(building(**changes),)), Kept(), book)


def test_meters_are_added_each_with_its_factor(demo: Site) -> None:
    energy = sources(demo, None).building("b")
    assert energy.from_nodes[0] == Hour(T0, 3000)
    assert energy.electricity == energy.from_nodes
    assert energy.span == (date(2026, 1, 12), date(2026, 1, 13))
    assert energy.totals("day", *energy.span)[0].wh == 72_000
    assert energy.between(date(2026, 1, 13), date(2026, 1, 14)) == []


def test_the_settled_series_comes_first_and_both_fill_each_other(demo: Site, book: EnergyBook) -> None:
    settled = [
        Given(T0, T0 + H, 2990),
        Given(T0 + 30 * H, T0 + 31 * H, 7),
        Given(T0 + H, T0 + 2 * H, 1, "estimated"),
    ]
    book.take([(Series("b", "electricity", "main"), settled)], "f", "00", "Elhub", 1)
    energy = sources(demo, book).building("b")
    by_start = {hour.start_s: hour for hour in energy.electricity}
    assert by_start[T0] == Hour(T0, 2990)
    assert by_start[T0 + H] == Hour(T0 + H, 3000)  # measured before estimated
    assert by_start[T0 + 30 * H] == Hour(T0 + 30 * H, 7)


def test_other_carriers_are_what_was_given(demo: Site, book: EnergyBook) -> None:
    heat = [(Series("b", "district_heat", meter), [Given(T0, T0 + H, 500)]) for meter in ("east", "west")]
    book.take([*heat, (Series("x", "district_heat", "main"), [Given(T0, T0 + H, 9)])], "f", "00", "s", 1)
    assert sources(demo, book).building("b").carrier("district_heat") == [Hour(T0, 1000)]
    assert sources(demo, book).building("b").carrier("oil") == []


def test_temperatures_of_the_node_are_filled_by_the_imported_series(demo: Site, book: EnergyBook) -> None:
    book.take([(Series("airport", TEMPERATURE, "main"), [Given(T0 - H, T0 + H, 100)])], "f", "00", "s", 1)
    both = OutdoorTemperature(node=22, key="air_temp_cc", series="airport")
    assert sources(demo, book, outdoor_temperature=both).building("b").temperatures == {T0 - H: 1.0, T0: -5.5}
    only = OutdoorTemperature(series="airport")
    assert sources(demo, book, outdoor_temperature=only).building("b").temperatures == {T0 - H: 1.0, T0: 1.0}
    assert sources(demo, book).building("b").temperatures == {}


def test_hours_of_use_and_holidays(demo: Site) -> None:
    plain = sources(demo, None).building("b").in_use
    assert plain.on(date(2026, 1, 12))
    assert not plain.on(date(2026, 5, 1))  # a Friday, and a holiday
    always = UseHours(weekdays=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), from_h=8, to_h=22)
    assert sources(demo, None, in_use=always).building("b").in_use.on(date(2026, 5, 1))
    week = UseHours(weekdays=("mon", "sat"), from_h=7, to_h=17)
    found = sources(demo, None, in_use=week).building("b").in_use
    assert (found.weekdays, found.from_h, found.to_h) == ((0, 5), 7, 17)
    abroad = replace(demo, timezone="Europe/Berlin", buildings=(building(),))
    assert Sources(abroad, Kept(), None).building("b").in_use.on(date(2026, 5, 1))


def test_what_is_not_there(demo: Site) -> None:
    nothing = sources(demo, None, meters=()).building("b")
    assert (nothing.electricity, nothing.span, nothing.days, nothing.events) == ([], None, [], [])
    assert nothing.curve(date(2026, 1, 1)) is None
    assert nothing.tariff is None
    with pytest.raises(KeyError):
        sources(demo, None).building("c")


def test_factors_of_a_meter_that_was_swapped() -> None:
    swap = Swap(at=datetime(2026, 5, 4, 8, tzinfo=UTC), meter_factor=1.1, source="s")
    at_s = int(datetime(2026, 5, 4, 8, tzinfo=UTC).timestamp())
    assert factors(Meter(node=31, meter_factor=30.0, source="s", swaps=(swap,))) == [
        Factor(0, Fraction(30)),
        Factor(at_s, Fraction(11, 10)),
    ]


def test_a_swap_its_node_saw_is_one_also_where_nobody_wrote_it_down() -> None:
    told_s = int(datetime(2026, 5, 4, tzinfo=UTC).timestamp())
    swap = Swap(at=datetime(2026, 5, 4, tzinfo=UTC), meter_factor=1.1, source="s")
    meter = Meter(node=31, meter_factor=30.0, source="s", swaps=(swap,))
    seen_s, other_s, before_s = told_s + 36_000, told_s + 90 * 86_400, told_s - 90 * 86_400
    assert factors(meter, [other_s, seen_s, before_s]) == [
        Factor(0, Fraction(30)),
        Factor(before_s, Fraction(30)),
        Factor(seen_s, Fraction(11, 10)),
        Factor(other_s, Fraction(11, 10)),
    ]
    assert factors(Meter(node=31, meter_factor=2.0, source="s"), [seen_s]) == [
        Factor(0, Fraction(2)),
        Factor(seen_s, Fraction(2)),
    ]


class Often(Kept):
    """A register that is read every ten minutes, as of a Modbus meter."""

    def registers(self, node: int) -> list[tuple[int, int]]:
        return [(T0 + 600 * i, 200 * i) for i in range(6 * 24 + 1)]


def test_a_register_that_is_asked_for_counts_from_reading_to_reading(demo: Site) -> None:
    meter = (Meter(node=31, source="s"),)
    pushed = Sources(replace(demo, buildings=(building(meters=meter),)), Often(), None).building("b")
    assert {event for _, event in pushed.events} == {Event.CONFLICT}
    asked = demo.catalog.profiles["energy-modbus"]
    nodes = tuple(replace(n, profile=asked) if n.id == 31 else n for n in demo.nodes)
    site = replace(demo, nodes=nodes, buildings=(building(meters=meter),))
    energy = Sources(site, Often(), None).building("b")
    assert energy.events == []
    assert energy.from_nodes == [Hour(T0 + H * i, 1200) for i in range(24)]
