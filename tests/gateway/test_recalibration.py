"""A corrected calibration is found, and from when on it counts."""

import json
from dataclasses import replace

import pytest

from device_configs.loader import SITES, load_site
from gateway.recalibration import changed_from, timelines

ONE = [[1000, 4000, 0, 20000, 5000]]


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        ({"up": ONE}, {"up": ONE}, None),
        ({"up": ONE}, {"up": [[1000, 4000, 10, 20000, 5000]]}, 1000),
        ({"up": ONE}, {"up": [*ONE, [5000, 4000, 7, 20000, 5000]]}, 5000),
        ({"up": ONE}, {"up": [[900, *ONE[0][1:]]]}, 900),
        ({"up": ONE}, {}, 1000),
        ({}, {"up": ONE}, 1000),
        ({"up": ONE, "down": ONE}, {"up": ONE, "down": [[1000, 1, 2, 3, 4]]}, 1000),
    ],
)
def test_from_when_two_differ(before: object, after: object, since: int | None) -> None:
    assert changed_from(json.dumps(before), json.dumps(after)) == since


def test_a_new_revision_of_a_sites_calibration_is_seen() -> None:
    site = load_site(SITES / "narvik-demo")
    before = timelines(site)
    node = next(node for node in site.nodes if node.calibration)
    wrong = node.calibration[0]
    right = wrong.model_copy(update={"revision": 99, "value0": wrong.value0 + 25})
    changed = replace(node, calibration=(*node.calibration, right))
    after = timelines(replace(site, nodes=tuple(changed if n is node else n for n in site.nodes)))
    assert {n for n in before if before[n] != after[n]} == {node.id}
    assert changed_from(before[node.id], after[node.id]) == int(wrong.valid_from.timestamp())
    assert timelines(site) == before
