"""The demonstration's rules, which were fixed before they were tried, on recorded and generated series.

A figure that changes here means that rules or mathematics have changed: look at every page before and after.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from gateway.alerts.rehearsal import Rehearsal, rehearse
from tests.gateway.alerts.made import T0, intake, site
from tests.gateway.alerts.recordings import generated_storm, louder, of_intake, trout_creek


def pages(rehearsal: Rehearsal) -> list[tuple[str, str]]:
    """Which rule would have paged on which day."""
    return [
        (alert.rule, datetime.fromtimestamp(alert.raised_s, UTC).strftime("%m-%d"))
        for alert in rehearsal.alerts
        if alert.paged
    ]


@cache
def season() -> Rehearsal:
    return rehearse(site().only(11), of_intake(trout_creek()))


@pytest.mark.slow
def test_two_rises_in_110_days_page_once_each_and_the_noise_nobody() -> None:
    assert pages(season()) == [("stiger-fort", "06-13"), ("stiger-fort", "07-15")]
    assert season().days == pytest.approx(109.7, abs=0.1)
    assert len(season().pages) == 2
    # What only is listed: the culvert was more than 60 % full once.
    assert [alert.rule for alert in season().alerts if not alert.paged] == ["kulvert-60"]


@pytest.mark.slow
def test_at_other_moments_and_levels_it_is_the_same() -> None:
    # The other half of the readings, which no rule has seen; and a brook 5 cm higher.
    half = [(at, level + 50) for at, level in trout_creek(1)[1::2]]
    found = pages(rehearse(site().only(11), of_intake(half)))
    assert [page for page in found if page[0] == "stiger-fort"] == pages(season())
    # The second rise brings the water over 80 % of this culvert's height: another page, and rightly so.
    assert {rule for rule, _ in found} <= {"stiger-fort", "kulvert-80"}


@pytest.mark.slow
def test_with_half_as_much_noise_again() -> None:
    found = pages(rehearse(site().only(11), of_intake(louder(trout_creek(), 1.5))))
    # Both rises, the second now over 40 cm/h for a while; and one false page, at 21 cm/h.
    assert found == [
        ("stiger-fort", "06-13"), ("stiger-fort", "06-17"),
        ("stiger-fort", "07-15"), ("stiger-svaert-fort", "07-15"),
    ]  # fmt: skip


def test_leaves_on_the_grate_in_a_real_brook() -> None:
    week = [(at, level) for at, level in trout_creek() if at < trout_creek()[0][0] + 7 * 86_400]
    begin_s = week[500][0]
    clean_s = begin_s + 8 * 3600

    def clogged(at_s: int, level: float) -> float:
        grown = min(1.0, max(0.0, (at_s - begin_s) / 7200)) if at_s < clean_s else 0.0
        return level + 400 * grown

    rehearsal = rehearse(site().only(11), of_intake(week, clogged))
    assert [rule for rule, _ in pages(rehearsal)] == ["rista-tettes"]
    (alert,) = [a for a in rehearsal.alerts if a.paged]
    assert 0 < alert.raised_s - begin_s <= 4200
    assert alert.cleared_s is not None
    assert 0 <= alert.cleared_s - clean_s <= 2400


@pytest.mark.parametrize("seed", range(5))
def test_a_storm_is_one_callout(seed: int) -> None:
    assert [rule for rule, _ in pages(rehearse(site().only(21), generated_storm(T0, seed)))] == ["broyting"]


def test_the_demo_sites_storm_week_is_two_pages_a_day_at_most() -> None:
    """The brook's worst week, and snow on the road and on the roof in the same week."""
    brook = [(at, level) for at, level in trout_creek() if "06-10" <= _day(at) < "06-17"]
    shift_s = T0 - brook[0][0]
    records = of_intake([(at + shift_s, level) for at, level in brook])
    records += generated_storm(T0, 1, 21) + generated_storm(T0, 2, 22)
    rehearsal = rehearse(site().only(11, 21, 22), records)
    assert rehearsal.busiest_day <= 2
    assert set(rehearsal.by_rule()) == {"stiger-fort", "broyting", "tak-60"}


def _day(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%m-%d")


def test_five_hundred_nodes_lost_at_once_are_one_page() -> None:
    """Each is heard at a moment of its own within ten minutes, and then never again."""
    model = site().node(11)
    nodes = tuple(replace(model, id=i, name=f"Inntak {i}") for i in range(1, 501))
    big = replace(site(), nodes=nodes, rules=tuple(r for r in site().rules if r.id == "inntak-uten-data"))
    records = [intake(T0 + 600 * i // 500, 150, commit=i, node=i) for i in range(1, 501)]
    # The gateway goes on: node 1, and it alone, is heard once more, hours later.
    records.append(intake(T0 + 4 * 3600, 150, commit=501, node=1))
    (page,) = rehearse(big, records).pages
    assert len(page.members) == 500


def test_a_lost_site_is_one_page() -> None:
    """Two intakes heard until the gateway goes on alone."""
    records = [intake(T0 + 600 * i, 150, commit=2 * i) for i in range(6)]
    other = [intake(T0 + 600 * i + 60, 150, commit=2 * i + 1, node=12) for i in range(6)]
    ends = [intake(T0 + 5 * 86_400, 150, commit=99)]
    rehearsal = rehearse(site().only(11, 12), records + other + ends)
    assert [len(message.members) for message in rehearsal.pages] == [2]
    assert rehearse(site(), []).days == 0
