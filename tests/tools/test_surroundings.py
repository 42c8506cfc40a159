"""What surrounds virtual nodes: there is something for every profile, and rain that a bucket can follow."""

from dataclasses import replace
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.loader import SITES, load_site
from device_configs.model import Site
from hardware.virtual.chips.tipping_bucket import TippingBucket
from hardware.virtual.clock import ManualClock
from hardware.virtual.nodes import wire
from tools import cli
from tools.surroundings import NoSurroundings, generated_showers, surround

SPEED = 360.0  # of the demo


@pytest.fixture
def site(tmp_path: Path) -> Site:
    assert cli.main(["site", "new", "bodo", "--dir", str(tmp_path)]) == 0
    return load_site(tmp_path / "bodo")


def test_a_node_of_each_kind_can_be_wired(site: Site, tmp_path: Path) -> None:
    clock = ManualClock()
    arounds = surround(site, clock, SPEED, tmp_path / "world")
    for node in site.nodes:
        around = arounds[node.id]
        assert list(wire(node, site.catalog, around.inputs, clock, around.witness).chips())
        around.world.close()
    kinds = {name.partition("-")[0] for name in builtin_catalog().profiles}
    assert {node.profile.name for node in site.nodes} == kinds


def test_an_unknown_profile_is_said_in_words(site: Site, tmp_path: Path) -> None:
    first = site.nodes[0]
    odd = replace(first, profile=first.profile.model_copy(update={"name": "soil"}))
    with pytest.raises(NoSurroundings, match="the surroundings of profile `soil`"):
        surround(replace(site, nodes=(odd,)), ManualClock(), SPEED, tmp_path / "world")


@pytest.mark.parametrize("seed", range(4))
def test_generated_rain_never_falls_back_nor_faster_than_a_bucket_tips(seed: int) -> None:
    rain = generated_showers(seed)
    steps = [after - before for before, after in zip(rain.values[:-1], rain.values[1:], strict=True)]
    assert min(steps) > 0
    fastest_s = 3600 / max(steps) / SPEED
    assert fastest_s > TippingBucket.PULSE_S + TippingBucket.REST_S


def test_a_meter_goes_on_from_now_when_its_node_begins_to_listen_late(tmp_path: Path) -> None:
    """Else a node that takes long to start would be owed lists from the past without end."""
    clock = ManualClock()
    around = surround(load_site(SITES / "narvik-demo").only(31), clock, SPEED, tmp_path / "world")[31]
    assert around.inputs.frames is not None
    made_s = clock.monotonic_s()
    lists = iter(around.inputs.frames())
    clock.advance(20)
    for _ in range(3):
        at_s, _ = next(lists)
        assert made_s + at_s > clock.monotonic_s()
        clock.advance(5)
    around.world.close()
