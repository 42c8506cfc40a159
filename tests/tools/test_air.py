"""The town's air: links as long as the map says."""

import math

import pytest

from device_configs.checks import distance_km
from device_configs.loader import SITES, load_site
from hardware.virtual.radio.timeline import Timeline
from tools.air import Air


def test_distances_are_those_of_the_map() -> None:
    site = load_site(SITES / "narvik-demo")
    air = Air(site, Timeline())
    for node in site.nodes:
        metres = math.hypot(*air.antenna_of(node).position_m)
        km = distance_km(node.latitude, node.longitude, site.latitude, site.longitude)
        assert metres == pytest.approx(km * 1000, rel=0.01, abs=1)
    assert air.gateway_arguments()[0] == "--packet-forwarder"
