from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.model import StoredRecord
from gateway.store.energy_book import Answer, EnergyBook
from gateway.web.energy_view import KEEP_ALL_S, EnergyView
from tests.gateway.web.energy_made import NOW_S, TODAY, fill, site


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    fill(folder)
    return folder


def records(node: int, from_s: int, to_s: int) -> Iterator[StoredRecord]:
    """Both meters' ports show 200 kW all the time."""
    for at_s in range(from_s + 30, to_s, 60):
        values = (200_000, *[None] * 13)
        yield StoredRecord(
            1, node, 1, 1, at_s, 0, at_s * 1000, 3, values, (0, *[1] * 13), "mqtt", None, None, False
        )


@pytest.fixture
def view(state: Path) -> EnergyView:
    return EnergyView(site(), state, lambda: NOW_S, records)


def test_the_overview_has_what_stands_out_first(view: EnergyView) -> None:
    found = view.overview()
    assert [state.building.id for state in found.states] == ["radhuset", "idrettens-hus"]
    first, second = (state.deviation for state in found.states)
    assert first is not None
    assert second is not None
    assert (first.stands_out, second.stands_out) == (True, False)
    assert first.since == date(2025, 12, 10)
    assert found.answers["radhuset"].status == "known"


def test_one_building(view: EnergyView) -> None:
    page = view.building("radhuset", None)
    assert page.month == page.months[-1] == date(2025, 12, 1)
    assert page.months[0] == date(2024, 1, 1)
    assert [figure.label for figure in page.figures][-1] == "2025-12"
    assert (len(page.figures), len(page.charges)) == (25, 24)  # nothing is known of the first
    assert page.curve is not None
    assert page.last is not None
    assert page.last.day == date(2025, 12, 19)
    assert page.heat is not None
    assert page.heat.days == 31
    assert max(cell.x for cell in page.heat.cells) == 18
    assert view.building("radhuset", date(2025, 3, 9)).month == date(2025, 3, 1)
    with pytest.raises(KeyError):
        view.building("none-such", None)


def test_this_hour_is_held_against_the_peak_that_counts(view: EnergyView) -> None:
    warned = view.warned("radhuset")
    assert warned is not None
    assert warned.projection.expected_wh == pytest.approx(200_000, rel=0.01)
    (peak,) = (c.demand_w for c in view.building("radhuset", None).charges if c.month == "2025-12")
    assert warned.limit_w == peak
    assert warned.outlook == "will"
    assert warned.extra_ore == pytest.approx((200_000 - peak) * 12.4, rel=0.02)
    # The other building's port shows a thirtieth.
    other = view.warned("idrettens-hus")
    assert other is not None
    assert other.projection.expected_wh == pytest.approx(6_000_000, rel=0.01)


def test_without_power_nothing_is_said_of_this_hour(state: Path) -> None:
    assert EnergyView(site(), state, lambda: NOW_S, lambda *_: ()).warned("radhuset") is None
    plain = replace(site(), buildings=tuple(b.model_copy(update={"tariff": None}) for b in site().buildings))
    assert EnergyView(plain, state, lambda: NOW_S, records).warned("radhuset") is None


def test_measures(view: EnergyView) -> None:
    found = view.measures()
    (result,) = found.results
    assert result.saving is not None
    assert result.saving.verdict == "saved"
    assert result.saving.share == pytest.approx(0.12, abs=0.02)
    assert found.counted == {"improvements": 1, "funds_kr": 0, "media_mentions": 0, "jobs": 0}
    assert found.counts == {"nattsenking-radhuset": True}
    first, second = found.events
    assert [e.building.id for e in (first, second)] == ["radhuset", "idrettens-hus"]
    assert all(value is not None for value in (first.before, first.during, first.after, first.expected))


def test_what_takes_long_is_made_once_and_anew_in_the_background(tmp_path: Path) -> None:
    fill(tmp_path)  # nobody has read in it: whoever does first changes what lies beside it, and nothing else
    now = [NOW_S]
    view = EnergyView(site(), tmp_path, lambda: now[0], records)
    view.refresh()
    first = view.overview()
    now[0] += KEEP_ALL_S * 0.4
    view.refresh()
    assert view.overview() is first
    now[0] += KEEP_ALL_S * 0.2
    view.refresh()
    assert view.overview() is not first


def test_what_is_said_or_imported_is_shown_within_a_round(tmp_path: Path) -> None:
    fill(tmp_path)
    view = EnergyView(site(), tmp_path, lambda: NOW_S, records)
    view.refresh()
    assert view.building("radhuset", None).answer is not None
    with EnergyBook.write(tmp_path, 1) as book:
        book.answer(Answer("radhuset", "fixed", "", "Vaktmester", 3))
    page = view.building("radhuset", None)
    assert page.answer is not None
    assert page.answer.status == "fixed"
    assert view.overview().answers["radhuset"].status == "known"
    view.refresh()
    assert view.overview().answers["radhuset"].status == "fixed"


def test_a_gateway_that_has_measured_nothing_yet(tmp_path: Path) -> None:
    view = EnergyView(site(), tmp_path, lambda: NOW_S, lambda *_: ())
    assert {state.reason for state in view.overview().states} == {"band"}
    page = view.building("radhuset", None)
    assert (page.curve, page.last, page.heat, page.duration, page.idle_share) == (None,) * 5
    assert set(page.et.values()) == {None}
    assert page.months == [date(2025, 12, 1)]
    assert view.measures().results[0].saving is None
    assert view.today == TODAY
    assert EnergyBook.read(tmp_path) is None


def test_no_reader_waits_for_what_is_made_beside(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = EnergyView(site(), state, lambda: NOW_S, records)
    view.made_beside = True
    empty = view.overview_now()
    assert (list(empty.states), empty.waiting) == ([], len(site().buildings))
    seen: list[tuple[int, int]] = []

    def rest(_: float) -> None:
        found = view.overview_now()
        seen.append((len(found.states), found.waiting))

    monkeypatch.setattr("gateway.web.energy_view.time.sleep", rest)
    view.refresh()
    count = len(site().buildings)
    assert seen == [(i, count - i) for i in range(1, count + 1)]
    whole = view.overview_now()
    assert (whole.waiting, whole) == (0, view.overview())
    assert whole.states[0].building.id == "radhuset"


def test_yesterdays_overview_stands_until_todays_is_made(state: Path) -> None:
    now = [NOW_S]
    view = EnergyView(site(), state, lambda: now[0], records)
    view.made_beside = True
    view.refresh()
    first = view.overview_now()
    now[0] += 86_400
    assert view.overview_now() is first


def test_where_nothing_is_made_beside_it_is_made_at_once(state: Path) -> None:
    view = EnergyView(site(), state, lambda: NOW_S, records)
    assert view.overview_now().waiting == 0


def test_what_to_expect_this_hour_is_known_once_it_was_reckoned(state: Path) -> None:
    view = EnergyView(site(), state, lambda: NOW_S, records)
    meter = next(b for b in site().buildings if b.id == "radhuset").meters[0].node
    assert view.expected_w(meter) is None
    view.refresh()
    low, high = view.expected_w(meter) or (0, 0)
    assert 0 <= low < high < 1_000_000
    assert view.expected_w(999) is None
