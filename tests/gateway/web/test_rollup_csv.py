"""Rollups as a table."""

from gateway.rollup import Rollup
from gateway.store.rollups import Made
from gateway.web.places import places
from gateway.web.rollup_csv import rollup_table
from gateway.web.words import Words
from tests.gateway.web.made import NOW_S, SITE


def test_only_what_was_measured_has_columns_and_a_gap_stays_empty() -> None:
    place = places(SITE)[11]
    found = [
        Made(11, NOW_S, 1, {"up_level_mm": Rollup(2, 21, 10, 11)}, {}),
        Made(11, NOW_S + 3600, 2, {"air_temp_cc": Rollup(1, -5, -5, -5)}, {"air_temp_cc": (1, -5)}),
    ]
    header, lines = rollup_table(place, found, Words("nb", "Europe/Oslo"))
    assert "up_level_mm_mean" in header
    assert "water_temp_cc_mean" not in header
    first, second = (dict(zip(header, line, strict=True)) for line in lines)
    assert first["up_level_mm_mean"] == 10.5
    assert first["air_temp_cc_count"] is None
    assert (second["revision"], second["changed"]) == (2, "air_temp_cc: count +1, sum -5")
    assert rollup_table(place, [], Words("nb", "Europe/Oslo"))[1] == []
