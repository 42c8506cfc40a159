"""The town's air: links as long as the map says, and a ridge between two valleys."""

import math
from pathlib import Path

import pytest

from device_configs.checks import distance_km
from device_configs.loader import SITES, load_site
from device_configs.model import Site
from hardware.virtual.radio.timeline import Timeline
from tools.air import BRIDGE, CONCENTRATOR, RIDGE_DB, Air
from tools.radio_site import by_radio


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_site(by_radio(SITES / "narvik-demo", tmp_path / "site"))


def test_distances_are_those_of_the_map(site: Site, tmp_path: Path) -> None:
    air = Air(site, Timeline(), tmp_path)
    for node in site.nodes:
        metres = math.hypot(*air.antenna_of(node).position_m)
        km = distance_km(node.latitude, node.longitude, site.latitude, site.longitude)
        assert metres == pytest.approx(km * 1000, rel=0.01, abs=1)
    told = air.gateway_arguments()
    assert told[::2] == ["--packet-forwarder", "--bridge"]


def test_a_ridge_hides_the_valley_from_the_bridge_and_the_rest_from_the_concentrator(
    site: Site, tmp_path: Path
) -> None:
    air = Air(site, Timeline(), tmp_path, valley=(11, 21))
    losses = air.medium.losses_db
    assert set(losses.values()) == {RIDGE_DB}
    assert (BRIDGE, "node 11") in losses
    assert (CONCENTRATOR.hex(), "node 12") in losses
    assert (BRIDGE, "node 12") not in losses
    assert (CONCENTRATOR.hex(), "node 21") not in losses
    assert all(one < other for one, other in losses)
