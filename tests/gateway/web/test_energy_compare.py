"""Two spans of months side by side, with figures known by hand."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device_configs.loader import SITES, load_site
from gateway.buildings import Sources
from gateway.energy.given import Given
from gateway.energy.periods import start_of
from gateway.store.energy_book import EnergyBook, Series
from gateway.store.meter_hours import MeterHours
from gateway.web.energy_compare import Span, compare, first_choices, months_from
from tests.gateway.web.energy_made import site
from tests.gateway.web.test_energy_page import ask, made, shown, state  # noqa: F401  a fixture

OSLO = ZoneInfo("Europe/Oslo")
TODAY = date(2025, 3, 10)
YEAR_S = start_of(date(2025, 1, 1), OSLO)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """1 kWh each hour in 2024, 1.2 in 2025 up to 10 March, of 100 m²; the other half of it, of 25 m²."""
    buildings = tuple(
        b.model_copy(update={"heated_area_m2": area})
        for b, area in zip(load_site(SITES / "narvik-demo").buildings, (100.0, 25.0), strict=True)
    )
    with EnergyBook.write(tmp_path, 1) as book:
        for name, share in (("radhuset", 1.0), ("idrettens-hus", 0.5)):
            hours = [
                Given(at_s, at_s + 3600, round(share * (1000 if at_s < YEAR_S else 1200)))
                for at_s in range(start_of(date(2024, 1, 1), OSLO), start_of(TODAY, OSLO), 3600)
            ]
            book.take([(Series(name, "electricity", "main"), hours)], "a.csv", "00", "Elhub", 1)
    kept = EnergyBook.read(tmp_path)
    return Sources(replace(site(), buildings=buildings), MeterHours.open(None, 0), kept)


def test_a_building_against_itself_a_year_before(sources: Sources) -> None:
    left, right = Span("radhuset", date(2025, 1, 1), 2), Span("radhuset", date(2024, 1, 1), 2)
    found = compare(sources, left, right, TODAY)
    assert [f.counted_kwh if f else None for f in found.left.figures] == pytest.approx([744 * 1.2, 672 * 1.2])
    assert [f.counted_kwh if f else None for f in found.right.figures] == [744, 696]  # a leap year
    assert [row[-1] for row in found.rows] == pytest.approx([0.2, 672 * 1.2 / 696 - 1])
    assert found.more == pytest.approx((744 + 672) * 1.2 / (744 + 696) - 1)
    assert found.right.per_m2 == pytest.approx(14.4)


def test_two_buildings_in_the_same_months_by_their_area(sources: Sources) -> None:
    first = date(2024, 5, 1)
    found = compare(sources, Span("radhuset", first, 3), Span("idrettens-hus", first, 3), TODAY)
    assert (found.left.kwh, found.right.kwh) == (92 * 24, 92 * 12)
    assert found.more == pytest.approx(-0.5)  # half the energy on a quarter of the area


def test_what_is_not_known_is_no_zero(sources: Sources) -> None:
    left = Span("radhuset", date(2025, 2, 1), 3)
    found = compare(sources, left, Span("radhuset", date(2023, 12, 1), 3), TODAY)
    known, running, coming = found.left.figures
    assert known is not None
    assert running is not None
    assert running.coverage == 1.0  # of the nine days that are over
    assert running.counted_kwh == pytest.approx(9 * 24 * 1.2)
    assert coming is None
    assert (found.left.kwh, found.more) == (None, None)
    assert [row[-1] is None for row in found.rows] == [True, False, True]
    with pytest.raises(KeyError):
        compare(sources, left, Span("none-such", TODAY, 3), TODAY)


def test_months() -> None:
    assert months_from(date(2024, 11, 1), 3) == [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)]
    choices = first_choices(date(2025, 1, 31))
    assert choices[:2] == [date(2025, 1, 1), date(2024, 12, 1)]
    assert all(later - earlier <= timedelta(31) for later, earlier in pairwise(choices))


async def test_the_page_begins_with_the_last_year_and_the_one_before(state: Path) -> None:  # noqa: F811
    status, _, html = await ask(made(state), "/energy-compare", "lang=nb")
    assert status == 200
    text = shown(html)
    assert "Sammenlikn bygg og perioder" in text
    assert html.count('<option value="202412" selected>') == 1
    assert html.count('<option value="202312" selected>') == 1
    assert '<input type="hidden" name="lang" value="nb">' in html


@pytest.mark.parametrize("language", ["nb", "en"])
async def test_what_is_asked_for_is_shown(state: Path, language: str) -> None:  # noqa: F811
    query = f"lang={language}&a=radhuset&from_a=202501&b=idrettens-hus&from_b=202401&months=3"
    status, _, html = await ask(made(state), "/energy-compare", query)
    assert status == 200
    assert '<option value="idrettens-hus" selected>' in html
    assert '<option value="3" selected>' in html
    assert html.count("<tr>") == 2 + 3 + 1
    assert "None" not in html
    _, _, html = await ask(made(state), "/energy-compare", "a=<script>&from_a=x&months=99&b=-")
    assert "<script>" not in html
