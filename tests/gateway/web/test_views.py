"""The drawings with their words."""

from gateway.web.views import intake_view, stake_view
from gateway.web.words import Words
from tests.gateway.web.made import NOW_S, broken_intake, building, intake, node, snow

NB, EN = Words("nb", "Europe/Oslo"), Words("en", "Europe/Oslo")


def test_an_intake_in_words() -> None:
    view = intake_view(node(intake(900, 300)), NB)
    assert view is not None
    assert (view.up, view.down, view.head) == ("90\u00a0cm", "30\u00a0cm", "60\u00a0cm")
    assert (view.soffit, view.limit) == ("120\u00a0cm", "96\u00a0cm")
    assert "90\u00a0cm foran rista og 30\u00a0cm bak" in view.text


def test_without_a_level_there_is_no_water_before_the_grate() -> None:
    view = intake_view(node(broken_intake()), EN)
    assert view is not None
    assert view.drawing.up_water is None
    assert view.drawing.down_water is not None
    assert view.head == "–"


def test_fresh_snow_lies_on_top() -> None:
    view = stake_view(node(*[snow(400 + 10 * i, NOW_S - (20 - i) * 600) for i in range(21)]), NB)
    assert view is not None
    assert view.drawing.fresh is not None
    assert view.text == "Snøstake: 60\u00a0cm snø."


def test_other_places_have_other_drawings_or_none() -> None:
    assert intake_view(node(snow(500)), NB) is None
    assert stake_view(node(building(1000)), NB) is None
