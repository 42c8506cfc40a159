"""SensorThings entities, held against the standard's tables (OGC 18-088, clause 8)."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.web.public import PublicView
from gateway.web.sensorthings import LINKS, PROPERTIES, SETS, entities, observations, quantity_of
from gateway.web.words import Words
from tests.gateway.web.energy_made import NOW_S as ENERGY_S
from tests.gateway.web.energy_made import fill
from tests.gateway.web.energy_made import site as energy_site
from tests.gateway.web.made import NOW_S, SITE, Shelf, broken_intake, intake, live

SAY = Words("en", "Europe/Oslo")
# What each entity has to have, and of which type.
MANDATORY: dict[str, dict[str, type]] = {
    "Things": {"name": str, "description": str},
    "Locations": {"name": str, "description": str, "encodingType": str, "location": dict},
    "Datastreams": {"name": str, "description": str, "observationType": str, "unitOfMeasurement": dict},
    "Sensors": {"name": str, "description": str, "encodingType": str, "metadata": str},
    "ObservedProperties": {"name": str, "description": str, "definition": str},
    "Observations": {"phenomenonTime": str, "resultTime": str, "result": object},
    "FeaturesOfInterest": {"name": str, "description": str, "encodingType": str, "feature": dict},
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?")


def view() -> PublicView:
    shelf = Shelf([intake(660, 640, NOW_S - 600, commit=1), broken_intake(NOW_S)])
    return PublicView(SITE, live(*shelf.records), shelf.history, None, lambda: NOW_S)


def obeys(kind: str, body: dict[str, Any]) -> None:
    assert body["@iot.selfLink"].endswith(f"/{kind}('{body['@iot.id']}')")
    for name, type_ in MANDATORY[kind].items():
        assert isinstance(body[name], type_), (kind, name)
    for link in LINKS[kind]:
        assert body[f"{link}@iot.navigationLink"] == f"{body['@iot.selfLink']}/{link}"


def test_every_entity_has_what_the_standard_asks_for() -> None:
    found = entities(view(), SAY)
    assert set(found) | {"Observations"} == set(SETS) == set(MANDATORY) == set(PROPERTIES)
    for kind, mine in found.items():
        assert mine, kind
        for entity in mine.values():
            obeys(kind, entity.as_json("http://x/sta/v1.1"))
            assert set(entity.compared) == set(PROPERTIES[kind])


def test_links_lead_to_entities_that_exist_and_back() -> None:
    found = entities(view(), SAY)
    for kind, mine in found.items():
        for entity in mine.values():
            for link, ids in entity.leads.items():
                target = found[LINKS[kind][link]]
                assert set(ids) <= set(target)
                # A Datastream belongs to exactly one Thing, Sensor and ObservedProperty.
                if not link.endswith("s"):
                    assert len(ids) == 1
    for stream in found["Datastreams"].values():
        (thing,) = stream.leads["Thing"]
        assert stream.id in found["Things"][thing].leads["Datastreams"]


def test_a_thing_tells_since_when_its_node_is_on_the_shelf() -> None:
    shelf = Shelf([intake(660, 640, NOW_S - 600)])
    whole = live(*shelf.records)
    whole.shelve({11: NOW_S}, NOW_S)
    things = entities(PublicView(SITE, whole, shelf.history, None, lambda: NOW_S), SAY)["Things"]
    assert things["11"].body["properties"]["onShelfSince"] == "2026-11-18T11:06:40Z"
    assert "onShelfSince" not in things["12"].body["properties"]


def test_units_are_ucum_and_positions_longitude_first() -> None:
    found = entities(view(), SAY)
    unit = found["Datastreams"]["11.up_level_mm"].body["unitOfMeasurement"]
    assert unit == {"name": "millimetre", "symbol": "mm", "definition": "ucum:mm"}
    assert found["Datastreams"]["11.air_temp_cc"].body["unitOfMeasurement"]["definition"] == "ucum:Cel"
    assert found["Locations"]["11"].body["location"] == {"type": "Point", "coordinates": [17.4415, 68.4447]}
    assert quantity_of("nothing_known") is None


def test_observations_are_in_the_unit_and_a_fault_has_no_result() -> None:
    up = list(observations(view(), "11.up_level_mm", 0, NOW_S + 1, False))
    assert [entity.body["result"] for entity in up] == [660, None]
    assert [entity.body["resultQuality"] for entity in up] == ["ok", "fault"]
    (air, _) = observations(view(), "11.air_temp_cc", 0, NOW_S + 1, False)
    assert air.body["result"] == -3.5
    for entity in up:
        body = entity.as_json("http://x/sta/v1.1")
        obeys("Observations", body)
        assert TIME.fullmatch(body["phenomenonTime"])
        assert TIME.fullmatch(body["resultTime"])
    with pytest.raises(KeyError):
        list(observations(view(), "31.import_power_w", 0, NOW_S, False))


def test_a_buildings_energy_is_an_observation_over_a_day(tmp_path: Path) -> None:
    fill(tmp_path)
    site = energy_site()
    found = PublicView(site, live(site=site), lambda *_: (), tmp_path, lambda: ENERGY_S)
    stream = "building.radhuset.energy"
    assert entities(found, SAY)["Datastreams"][stream].body["unitOfMeasurement"]["definition"] == "ucum:kW.h"
    mine = list(observations(found, stream, 0, int(ENERGY_S), True))
    assert len(mine) > 300
    body = mine[0].as_json("http://x/sta/v1.1")
    obeys("Observations", body)
    assert TIME.fullmatch(body["phenomenonTime"])
    assert "/" in body["phenomenonTime"]
