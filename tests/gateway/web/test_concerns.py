"""What needs attention, and what does not."""

from dataclasses import replace

import pytest

from device_configs.alert_schema import Rule
from gateway.web.concerns import (
    Concern,
    Passed,
    broken,
    concerns,
    holds_since,
    level_of,
    limit_of,
    provisional,
)
from gateway.web.places import places
from tests.gateway.web.made import NOW_S, SITE, broken_intake, intake, live, node, snow


def rule(**more: object) -> Rule:
    given = {
        "id": "test", "name": "Prøve", "priority": "warning", "nodes": (11,), "key": "up_level_mm",
        "cause": "-", "consequence": "-", "action": "Se etter", "respond_within_min": 30,
        "recipient": "vei", "source": "-", **more,
    }  # fmt: skip
    return Rule.model_validate(given)


def levels(*up_down: tuple[int, int], step_s: int = 60) -> list[object]:
    last = len(up_down) - 1
    return [intake(up, down, NOW_S - (last - i) * step_s) for i, (up, down) in enumerate(up_down)]


def test_a_quiet_site_needs_nobody() -> None:
    site = live(intake(500, 490), snow(500)).nodes
    assert concerns([site[11], site[21]], (), NOW_S) == []
    assert provisional([site[11], site[21]], NOW_S) == []


def test_silent_never_heard_and_failing() -> None:
    assert broken(node(intake(500, 480)), NOW_S + 7200) == [Concern("fault", "silent", 11, NOW_S)]
    assert broken(live().nodes[12], NOW_S) == [Concern("info", "never", 12, None)]
    assert broken(node(broken_intake()), NOW_S) == [Concern("fault", "sensor", 11, NOW_S)]


def test_the_most_urgent_first_then_what_nobody_has_taken_then_the_oldest() -> None:
    texts = {"nb": {"name": "x"}, "en": {"name": "x"}}
    alerts = [
        Passed(11, "warning", 50, 30, texts, "Vakt"),
        Passed(12, "warning", 60, 30, texts),
        Passed(21, "alarm", 90, 30, texts),
        Passed(22, "warning", 40, 30, texts),
    ]
    found = concerns([live().nodes[31]], alerts, NOW_S)
    assert [concern.node for concern in found] == [21, 22, 12, 11, 31]
    assert found[3].acknowledged_by == "Vakt"


def test_the_demo_sites_rules_see_a_full_culvert_and_a_clogged_grate() -> None:
    full = node(*levels(*[(1000, 990)] * 5))  # type: ignore[arg-type]
    assert "Kulverten er snart full" in {alert.texts["nb"]["name"] for alert in provisional([full], NOW_S)}
    clogged = node(*levels(*[(500 + 20 * i, 400 - 20 * i) for i in range(12)]))  # type: ignore[arg-type]
    names = {alert.texts["en"]["name"] for alert in provisional([clogged], NOW_S + 300)}
    assert "The grate is clogging" in names


def test_nothing_is_judged_by_old_values() -> None:
    assert provisional([node(intake(1190, 1180))], NOW_S + 7200) == []


def test_a_delay_is_waited_for() -> None:
    found = node(*levels((1000, 990), (1000, 990)))  # type: ignore[arg-type]
    found.place = replace(found.place, rules=(rule(above=960, on_delay_s=120),))
    assert provisional([found], NOW_S) == []
    assert len(provisional([found], NOW_S + 60)) == 1


@pytest.mark.parametrize(
    ("more", "since"),
    [
        ({"above": 900}, NOW_S - 60),
        ({"above": 1500}, None),
        ({"below": 1200}, NOW_S - 180),
        ({"below": 100}, None),
        ({"difference_above": 300, "minus": "down_level_mm"}, NOW_S),
        ({"soffit_above_percent": 50}, NOW_S - 120),
        ({"rise_per_h": 1}, None),  # the alerts' own matter
        ({"silent_for_s": 600}, None),
    ],
)
def test_since_when_a_condition_holds(more: dict[str, object], since: int | None) -> None:
    found = node(*levels((500, 490), (700, 690), (950, 940), (1000, 600)))  # type: ignore[arg-type]
    assert holds_since(found, rule(**more)) == since


def test_the_level_of_a_rule() -> None:
    place = places(SITE)[11]
    assert level_of(place, rule(above=7)) == 7
    assert level_of(place, rule(soffit_above_percent=50)) == 600
    assert level_of(place, rule(rise_per_h=7)) is None


def test_the_limit_to_draw_is_the_lowest_that_makes_somebody_act() -> None:
    place = places(SITE)[11]
    rules = (rule(above=300, priority="info"), rule(above=900), rule(above=1100, priority="alarm"))
    assert limit_of(replace(place, rules=rules), "up_level_mm") == 900
    assert limit_of(replace(place, rules=rules[:1]), "up_level_mm") == 300
    assert limit_of(replace(place, rules=()), "up_level_mm") is None
    assert limit_of(replace(place, rules=rules), "down_level_mm") is None
