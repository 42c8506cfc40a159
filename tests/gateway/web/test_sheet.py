"""A node's own page: charts, values, table and conditions."""

from zoneinfo import ZoneInfo

import pytest

from gateway.model import Reading, StoredRecord
from gateway.rollup import Rollup
from gateway.web.history import Past, Stretch
from gateway.web.live import NodeLive
from gateway.web.places import places
from gateway.web.sheet import TABLE_ROWS, condition, every_figure, groups, measured_keys, rows
from gateway.web.words import Words
from tests.gateway.web.made import NOW_S, SITE, broken_intake, building, intake, live, node
from tests.gateway.web.test_concerns import rule

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")
OSLO = ZoneInfo("Europe/Oslo")
PLACE = places(SITE)[11]


def read(*records: StoredRecord) -> list[tuple[StoredRecord, list[Reading]]]:
    found = live()
    return [(r, found.readings(found.nodes[r.node].place, r)) for r in records]


def past(*records: StoredRecord, range_s: int = 86_400) -> Past:
    return Past(Stretch("24h", NOW_S - range_s, NOW_S), read(*records))


HOUR = [intake(500 + i, 400, NOW_S - (59 - i) * 60) for i in range(60)]


def test_calibrated_values_stand_for_their_raw_ones() -> None:
    keys = measured_keys(PLACE)
    assert keys[0] == "up_level_mm"
    assert "up_loop_ua" not in keys
    assert "water_temp_cc" not in keys  # corrected here
    other = measured_keys(places(SITE)[12])
    assert "water_temp_cc" in other  # no calibration there
    assert "water_corrected_temp_cc" not in other


def test_one_chart_for_each_unit_with_the_limits_of_its_values() -> None:
    found = groups(PLACE, past(*HOUR), OSLO, NB)
    assert [(group.unit, group.keys) for group in found] == [
        ("cm", ("up_level_mm", "down_level_mm")),
        ("°C", ("water_corrected_temp_cc", "air_temp_cc")),
        ("V", ("battery_voltage_mv",)),
    ]
    assert all(group.drawn.from_s == NOW_S - 59 * 60 for group in found)
    near = groups(PLACE, past(intake(900, 400, NOW_S - 60), intake(1150, 400)), OSLO, EN)
    assert "The culvert is nearly full" in {limit.name for _, limit in near[0].drawn.limits}


def test_without_records_there_are_no_charts() -> None:
    assert groups(PLACE, past(), OSLO, NB) == []


def test_a_value_that_is_always_zero_is_not_drawn() -> None:
    place = places(SITE)[31]
    found = past(*[building(80_000 + i, NOW_S - 600 + 60 * i) for i in range(10)])
    keys = [key for group in groups(place, found, OSLO, NB) for key in group.keys]
    assert "import_power_w" in keys
    assert "export_power_w" not in keys


def test_every_value_with_its_time() -> None:
    found: NodeLive = node(*HOUR)
    assert next((f.label, at_s) for f, at_s in every_figure(found, NB)) == ("Foran rista", NOW_S)


def test_the_table_has_the_newest_first_and_marks_what_is_not_good() -> None:
    columns, table = rows(PLACE, past(*HOUR, broken_intake(NOW_S + 1)), NOW_S, NB)
    assert columns[0] == ("Foran rista", "cm")
    assert len(table) == TABLE_ROWS
    assert table[0][:2] == ["12:06:41", "–"]
    assert table[1][1] == "56"


def test_a_row_of_another_day_says_which() -> None:
    _, table = rows(PLACE, past(*HOUR), NOW_S + 86_400, EN)
    assert table[0][0] == "18 Nov 12:06:40"


def test_a_long_stretch_is_drawn_from_hours_and_told_by_day() -> None:
    hours = [
        (NOW_S // 3600 * 3600 - 3600 * back, {"up_level_mm": Rollup(6, 3000, 400 + back, 700 + back)})
        for back in range(48, 0, -1)
    ]
    found = Past(Stretch("30d", NOW_S - 30 * 86_400, NOW_S), read(intake(900, 400)), hours)
    drawn = groups(PLACE, found, OSLO, NB)[0]
    assert drawn.drawn.from_s == hours[0][0]  # it begins with what is known
    values = [point.value for point in drawn.lines[0].points]
    assert (max(values), min(values)) == (90.0, 40.1)  # no extreme is averaged away
    assert len(drawn.drawn.lines[0][1].split("M")) == 2  # no gap between neighbouring hours
    columns, table = rows(PLACE, found, NOW_S, NB)
    assert columns[0] == ("Foran rista", "cm")
    assert [row[0] for row in table] == ["18.11.2026", "17.11.2026", "16.11.2026"]
    assert table[0][1] == "40–90"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"above": 960}, "Foran rista over 96\u00a0cm"),
        ({"below": 100}, "Foran rista under 10\u00a0cm"),
        ({"rise_per_h": 200}, "Foran rista stiger mer enn 20\u00a0cm i timen"),
        (
            {"difference_above": 150, "minus": "down_level_mm"},
            "Foran rista mer enn 15\u00a0cm over Bak rista",
        ),
        ({"soffit_above_percent": 60}, "Foran rista over 72\u00a0cm, 60 % av kulvertens høyde"),
        ({"increase_above": 100, "increase_over_h": 24}, "Foran rista øker mer enn 10\u00a0cm på 24 timer"),
        ({"callout_over_h": 3}, "Nok ny snø på 3 timer til å brøyte"),
        ({"load_above_percent": 80}, "Snøen kan veie over 80 % av det taket tåler"),
        ({"silent_for_s": 7200}, "Ingen brukbar verdi på 2\u00a0t"),
        ({"signature": ("clogging", "ice_risk")}, "Vannstandene viser: rista tettes, fare for sarr"),
    ],
)
def test_conditions_in_words(more: dict[str, object], text: str) -> None:
    assert condition(PLACE, rule(**more), NB) == text


def test_every_rule_of_the_site_can_be_said() -> None:
    for place in places(SITE).values():
        for each in place.rules:
            assert condition(place, each, EN)
