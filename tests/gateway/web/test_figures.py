"""Values as people read them, and what each kind of place shows besides its main one."""

import pytest

from gateway.web.figures import amount, figure, figures, quality_of
from gateway.web.units import shown
from gateway.web.words import Words
from tests.gateway.web.made import NOW_S, broken_intake, building, intake, node, record, snow
from wire.quantities import FAULT, OK, SPREAD

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")
SNOW_AT_NIGHT = [snow(400 + 5 * i, NOW_S - (150 - i) * 600) for i in range(151)]  # 25 h, 3 cm an hour


def test_an_amount_has_its_unit() -> None:
    assert amount(843, shown("up_level_mm"), NB) == "84\u00a0cm"
    assert amount(-650, shown("air_temp_cc"), NB) == "−6,5\u00a0°C"
    assert amount(None, shown("up_level_mm"), NB) == "–"
    assert amount(3, shown("something"), NB) == "3"


def test_a_figure_says_what_is_wrong_with_it() -> None:
    good = figure(node(intake(843, 800)), "up_level_mm", NB)
    assert (good.label, good.value, good.unit, good.quality) == ("Foran rista", "84", "cm", "")
    bad = figure(node(broken_intake()), "up_level_mm", EN)
    assert (bad.value, bad.quality) == ("–", "sensor fault")
    spread = record(21, NOW_S, [3000, 90, -650, 3610], quality=[SPREAD, OK, OK, OK])
    assert figure(node(spread), "depth_mm", NB).quality == "målingene spriker"
    assert figure(node(intake(1, 1)), "depth_mm", NB).value == "–"


def test_a_quality_code_of_a_newer_node_is_shown_as_it_is() -> None:
    assert quality_of(FAULT, NB) == "sensorfeil"
    assert quality_of(77, NB) == "merket 77"


def test_an_intake_shows_the_difference_only_of_levels_measured_together() -> None:
    labels = {f.label: f.value for f in figures(node(intake(900, 300)), NB, NOW_S)}
    assert labels == {"Bak rista": "30", "Forskjell": "60", "Vann": "4,0", "Luft": "−3,5"}
    apart = node(broken_intake(NOW_S), intake(900, 300, NOW_S - 600))
    assert "Forskjell" not in {f.label for f in figures(apart, NB, NOW_S)}


def test_snow_shows_what_came_in_1_3_and_24_hours() -> None:
    found = {f.label: f.value for f in figures(node(*SNOW_AT_NIGHT), NB, NOW_S)}
    assert found["Siste 1 t"] == "+3"
    assert found["Siste 3 t"] == "+9"
    assert found["Siste 24 t"] == "+72"


def test_what_was_not_measured_for_24_hours_is_not_told() -> None:
    found = {f.label: f.value for f in figures(node(*SNOW_AT_NIGHT[-13:]), NB, NOW_S)}
    assert (found["Siste 1 t"], found["Siste 24 t"]) == ("+3", "–")


def test_in_the_first_hour_since_the_first_record() -> None:
    (since, _air) = figures(node(*SNOW_AT_NIGHT[-5:]), NB, NOW_S)
    assert since.label.startswith("Siden kl.")
    assert since.value == "+1"  # 0.5 cm, from the first three records on


def test_a_building_shows_extremes_and_what_its_register_gained() -> None:
    hour = 3600
    records = [
        building(40_000, NOW_S - 3 * hour, wh=1_000_000),
        building(90_000, NOW_S - hour),
        building(60_000, NOW_S, wh=1_180_000),
    ]
    found = [(f.value, f.unit) for f in figures(node(*records), NB, NOW_S)]
    assert found == [("90,0", "kW"), ("40,0", "kW"), ("180", "kWh")]


@pytest.mark.parametrize("minutes", [0, 30])
def test_a_register_over_minutes_says_nothing(minutes: int) -> None:
    records = [building(1, NOW_S - 60 * minutes, wh=1_000_000), building(1, NOW_S, wh=1_180_000)]
    assert "kWh" not in [f.unit for f in figures(node(*records), NB, NOW_S)]
