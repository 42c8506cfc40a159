"""Charts as numbers: what the script draws is what the page says."""

import json
from zoneinfo import ZoneInfo

from gateway.alerts.log import Round
from gateway.web.history import Past, Stretch
from gateway.web.meter_notes import MeterNote
from gateway.web.places import places
from gateway.web.series import Noted, charts, noted
from gateway.web.sheet import groups
from gateway.web.words import Words
from tests.gateway.web.made import NOW_S, SITE, intake, live

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")
PLACE = places(SITE)[11]


def past(*ages_s: int) -> Past:
    found = live()
    made = [intake(500 + i, 400, NOW_S - age_s) for i, age_s in enumerate(ages_s)]
    records = [(r, found.readings(found.nodes[11].place, r)) for r in made]
    return Past(Stretch("24h", NOW_S - 86_400, NOW_S), records)


def test_a_gap_is_a_gap() -> None:
    shown = past(50_000, 49_400, 600, 0)
    found = charts(groups(PLACE, shown, ZoneInfo("Europe/Oslo"), NB), shown, (), NB)
    levels = found["groups"][0]
    assert levels["unit"] == "cm"
    up = levels["lines"][0]
    assert (up["name"], up["decimals"]) == ("Foran rista", 0)
    assert up["values"] == [50, 50, None, 50, 50]
    assert up["times"] == [NOW_S - 50_000, NOW_S - 49_400, NOW_S - 601, NOW_S - 600, NOW_S]
    assert found["from"] == NOW_S - 50_000
    json.dumps(found, allow_nan=False)


def test_axes_limits_and_rounds_are_ready_to_be_read() -> None:
    shown = past(3000, 0)
    seen = Round(11, NOW_S - 100, "Kari", 40, cleaned=True, note="")
    notes = noted([seen], (), shown.stretch, EN)
    found = charts(groups(PLACE, shown, ZoneInfo("Europe/Oslo"), EN), shown, notes, EN)
    volts = found["groups"][-1]
    assert all(text.count(".") == 1 for _, text in volts["values"])
    assert volts["low"] == volts["values"][0][0]
    assert found["notes"] == [[NOW_S - 100, "Grate cleaned, 40 % was blocked"]]
    assert found["times"]
    assert found["times"][0][1].count(":") == 1


def test_what_happened_to_a_meter_is_noted_beside_rounds_where_it_is_in_sight() -> None:
    seen = Round(11, NOW_S - 100, "Kari", 40, cleaned=False, note="løv")
    times = (("swap", NOW_S - 50), ("reset", NOW_S - 86_401), ("jump", NOW_S - 86_400))
    meter = [MeterNote(at_s, SITE.node(31), kind, (), told=False) for kind, at_s in times]
    assert noted([seen], meter, Stretch("24h", NOW_S - 86_400, NOW_S), NB) == [
        Noted(NOW_S - 86_400, "Telleverket hoppet", label="1"),
        Noted(NOW_S - 100, "Rista sett over, 40 % tett".replace(" ", " "), "Kari", "løv", "2"),
        Noted(NOW_S - 50, "Måleren ble byttet", label="3"),
    ]


def test_nothing_is_drawn_of_nothing() -> None:
    shown = past()
    assert charts([], shown, (), NB)["groups"] == []
