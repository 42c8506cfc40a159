import dataclasses

import pytest

from device_configs.site_schema import CleanLevels, GaugingEntry, IntakeGeometry
from gateway.alerts.measured import Measured
from gateway.alerts.state import Trust
from gateway.alerts.watches import BadCurve, clean_grate, watches
from gateway.hydrology.rating import NoCurve
from tests.gateway.alerts.made import site


def test_every_rule_watches_its_nodes_and_inhibitors_come_first() -> None:
    ids = [watch.id for watch in watches(site())]
    assert len(ids) == len(set(ids))
    assert ids.index(("rista-tettes", 11)) < ids.index(("kulvert-100", 11)) < ids.index(("kulvert-80", 11))
    assert ("tak-60", 22) in ids
    assert ("tak-60", 21) not in ids
    terms = {watch.id: watch.terms for watch in watches(site())}
    assert terms[("kulvert-100", 11)].above == 100
    assert terms[("rista-tettes", 11)].n == 2
    assert terms[("rista-tettes", 11)].escalate_after_s == 900


def gauged(**changes: object) -> IntakeGeometry:
    """The demonstration's intake with a curve: Q = 0.02 h^1.5 l/s, and a clean loss of 5 + 0.001 Q² mm."""
    geometry = site().node(11).geometry
    assert isinstance(geometry, IntakeGeometry)
    levels = (100, 200, 400, 800)
    flows = {h: 0.02 * h**1.5 for h in levels}
    plain = {
        "gaugings": tuple(GaugingEntry(down_mm=h, discharge_l_per_s=q) for h, q in flows.items()),
        "clean_levels": tuple(
            CleanLevels(up_mm=round(h + 5 + 0.001 * q * q), down_mm=h) for h, q in flows.items()
        ),
    }
    return geometry.model_copy(update={**plain, **changes})


def test_a_gauged_grate_knows_what_it_loses_when_clean() -> None:
    clean = clean_grate(gauged())
    assert clean is not None
    assert clean.expected_mm(800) == pytest.approx(5 + 0.001 * (0.02 * 800**1.5) ** 2, rel=0.02)
    only = clean_grate(gauged(clean_levels=()))
    assert only is not None
    assert only.expected_mm(800) == 0
    plain = site().node(11).geometry
    assert isinstance(plain, IntakeGeometry)
    assert clean_grate(plain) is None
    falling = tuple(GaugingEntry(down_mm=h, discharge_l_per_s=1000 - h) for h in (100, 200, 300, 400))
    with pytest.raises(NoCurve):
        clean_grate(gauged(gaugings=falling))
    node = dataclasses.replace(site().node(11), geometry=gauged(gaugings=falling))
    with pytest.raises(BadCurve, match=r"node 11, .*does not rise"):
        watches(dataclasses.replace(site(), nodes=(node,)))


def test_the_loss_of_a_clean_grate_is_no_clogging() -> None:
    """At 800 mm this grate loses 210 mm when it is clean: an alert without the curve, none with it."""
    values = {
        "up_level_mm": Measured(1010, Trust.GOOD),
        "down_level_mm": Measured(800, Trust.GOOD),
    }
    seen = []
    for geometry in (site().node(11).geometry, gauged()):
        node = dataclasses.replace(site().node(11), geometry=geometry)
        (watch,) = [
            w for w in watches(dataclasses.replace(site(), nodes=(node,))) if w.rule.id == "rista-tettes"
        ]
        observation = [watch.signal.feed(600 * i, values) for i in range(3)][-1]
        assert observation is not None
        seen.append(observation.value)
    assert seen == [1, 0]
