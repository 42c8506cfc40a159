"""What everybody may see: the fence between what is public and what is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from device_configs.model import Site
from device_configs.page_schema import PageSettings
from gateway.web.concerns import Passed
from gateway.web.public import PublicView, nameless, public_keys, public_site
from tests.gateway.web.energy_made import NOW_S as ENERGY_S
from tests.gateway.web.energy_made import fill
from tests.gateway.web.energy_made import site as energy_site
from tests.gateway.web.made import NOW_S, SITE, Shelf, intake, live


def view(site: Site, state: Path | None = None, now_s: float = NOW_S) -> PublicView:
    shelf = Shelf([intake(500 + i, 480, NOW_S - 86_400 * i, commit=i + 1) for i in range(40)])
    return PublicView(site, live(*shelf.records, site=site), shelf.history, state, lambda: now_s)


def test_the_public_site_has_no_buildings_roles_and_numbers() -> None:
    found = public_site(SITE)
    assert [node.id for node in found.nodes] == [11, 12, 21, 22]
    assert (found.buildings, found.recipients, found.initiatives) == ((), (), ())
    assert found.contact.phone is None
    assert all(rule.silent_for_s is None for rule in found.rules)
    assert found.rules


def test_public_values_tell_nothing_of_the_node() -> None:
    for node in view(SITE).nodes():
        keys = public_keys(node.place)
        assert keys
        assert not [key for key in keys if key.startswith(("battery", "spread")) or key.endswith("loop_ua")]


def test_alerts_lose_who_has_them_and_those_of_other_places() -> None:
    alerts = [Passed(11, "alarm", 1, 40, {}, "Vakt"), Passed(31, "alarm", 1, 40, {}, "Vakt")]
    assert nameless(alerts, [11]) == [Passed(11, "alarm", 1, 40, {})]


def test_readings_come_in_both_orders_over_weeks() -> None:
    found = view(SITE)
    node = found.node(11)
    assert node is not None
    forth = [record.measured_at_s for record, _ in found.readings(node, 0, NOW_S + 1)]
    back = [record.measured_at_s for record, _ in found.readings(node, 0, NOW_S + 1, newest_first=True)]
    assert len(forth) == 40
    assert forth == sorted(forth) == back[::-1]
    _, readings = next(found.readings(node, NOW_S, NOW_S + 1))
    assert readings["up_level_mm"].value == 500
    assert found.node(31) is None


@pytest.mark.parametrize(("kind", "length_s"), [("daily", 86_400), ("hourly", 3600)])
def test_energy_is_summed_and_late(tmp_path: Path, kind: str, length_s: int) -> None:
    fill(tmp_path)
    settings = PageSettings(building_energy=kind, energy_delay_h=48)  # type: ignore[arg-type]
    sums = view(replace(energy_site(), page=settings), tmp_path, ENERGY_S).sums()
    assert {s.building for s in sums} == {"radhuset", "idrettens-hus"}
    assert {s.end_s - s.start_s for s in sums} <= {length_s, length_s - 3600, length_s + 3600}
    assert max(s.end_s for s in sums) <= ENERGY_S - 48 * 3600
    assert all(s.kwh > 0 for s in sums)


def test_no_energy_where_the_site_says_so_and_of_dwellings_never(tmp_path: Path) -> None:
    fill(tmp_path)
    site = energy_site()
    assert view(replace(site, page=PageSettings(building_energy="none")), tmp_path, ENERGY_S).sums() == ()
    homes = tuple(b.model_copy(update={"dwelling": b.id == "radhuset"}) for b in site.buildings)
    sums = view(replace(site, buildings=homes), tmp_path, ENERGY_S).sums()
    assert {s.building for s in sums} == {"idrettens-hus"}
