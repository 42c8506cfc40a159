"""What the page takes from a site's configuration."""

from dataclasses import replace

import pytest

from gateway.web.places import Place, places
from tests.gateway.web.made import SITE


def place(node: int) -> Place:
    return places(SITE)[node]


@pytest.mark.parametrize(
    ("node", "kind", "main"),
    [(11, "intake", "up_level_mm"), (21, "snow", "depth_mm"), (31, "building", "import_power_w")],
)
def test_kind_and_main_value(node: int, kind: str, main: str) -> None:
    assert (place(node).kind, place(node).main) == (kind, main)
    assert main in place(node).followed
    assert set(place(node).followed) <= set(place(node).node.profile.keys)


def test_a_profile_that_no_kind_knows_shows_its_first_value() -> None:
    node = replace(SITE.node(21), geometry=None)
    other = places(replace(SITE, nodes=(node,)))[21]
    assert (other.kind, other.main) == ("other", node.profile.keys[0])


def test_old_after_three_missed_records_and_the_batch() -> None:
    assert place(11).stale_after_s == 3 * 600 + 10
    assert place(31).stale_after_s == 3 * 60 + 60 + 10
    assert places(SITE, interval_s=4)[11].stale_after_s == 22
    assert place(11).gap_s == 1800


def test_what_stands_behind_transformers_is_multiplied_and_nothing_else() -> None:
    assert place(32).factor_of("import_power_w") == 30
    assert place(32).factor_of("import_energy_wh") == 30
    assert place(32).factor_of("l1_current_ma") == 30
    assert place(32).factor_of("l1_phase_dv") == 1
    assert place(31).factor_of("import_power_w") == 1
    assert place(11).factor_of("up_level_mm") == 1


def test_rules_of_the_profile_and_of_the_node() -> None:
    assert "kulvert-80" in {rule.id for rule in place(11).rules}
    assert "kulvert-80" not in {rule.id for rule in place(12).rules}
    assert {rule.profile for rule in place(21).rules} <= {"snow", None}


def test_geometry_and_keys() -> None:
    assert place(11).intake is not None
    assert place(11).snow is None
    assert place(21).snow is not None
    assert place(11).key("nothing", "up_level_mm") == "up_level_mm"
    assert place(11).key("nothing") is None
