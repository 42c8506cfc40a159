"""The SensorThings service as a client meets it."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.web.public import PublicView
from gateway.web.sensorthings import SETS
from tests.gateway.web.asking import Browser
from tests.gateway.web.made import NOW_S, SITE, Shelf, intake, live, snow
from tests.gateway.web.test_pages import made

RECORDS = [intake(500 + i, 480, NOW_S - 600 * i, commit=i + 1) for i in range(150)]
RECORDS += [snow(500, NOW_S, commit=500)]
STREAM = "/sta/v1.1/Datastreams('11.up_level_mm')"


def browser() -> Browser:
    shelf = Shelf(RECORDS)
    view = PublicView(SITE, live(*RECORDS), shelf.history, None, lambda: NOW_S)
    return Browser(made(RECORDS, view=view).app)


async def ask(path: str, status: int = 200) -> Any:
    answer = await browser().get(path)
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.text)


async def test_the_root_lists_the_sets_and_what_it_conforms_to() -> None:
    for path in ("/sta", "/sta/v1.1", "/sta/v1.1/"):
        found = await ask(path)
        assert [entry["name"] for entry in found["value"]] == list(SETS)
        assert found["serverSettings"]["conformance"]
        for entry in found["value"]:
            assert entry["url"] == f"http://localhost/sta/v1.1/{entry['name']}"


async def test_every_link_leads_somewhere() -> None:
    for kind in SETS:
        if kind == "Observations":
            continue
        for entity in (await ask(f"/sta/v1.1/{kind}?$top=2"))["value"]:
            assert (await ask(urlsplit(entity["@iot.selfLink"]).path))["@iot.id"] == entity["@iot.id"]
            for name, url in entity.items():
                if name.endswith("@iot.navigationLink") and kind != "FeaturesOfInterest":
                    await ask(urlsplit(url).path)


async def test_observations_page_by_page_are_all_of_them_once() -> None:
    url, results = f"{STREAM}/Observations?$top=40&$orderby=phenomenonTime asc", []
    pages = 0
    while url:
        parts = urlsplit(url)
        found = await ask(f"{parts.path}?{parts.query}")
        results += [entity["result"] for entity in found["value"]]
        url = found.get("@iot.nextLink", "")
        pages += 1
    assert (pages, results) == (4, [500 + i for i in reversed(range(150))])


async def test_the_newest_comes_first_and_counting_counts_all() -> None:
    found = await ask(f"{STREAM}/Observations?$top=1&$count=true")
    assert (found["@iot.count"], found["value"][0]["result"]) == (150, 500)
    assert "@iot.nextLink" in found
    found = await ask(f"{STREAM}/Observations?$filter=result gt 640&$count=true&$top=3")
    assert found["@iot.count"] == 9
    found = await ask(f"{STREAM}/Observations?$filter=result le 501&$orderby=result desc")
    assert [entity["result"] for entity in found["value"]] == [501, 500]
    since = "2026-11-18T10:00:00Z"
    found = await ask(f"{STREAM}/Observations?$filter=phenomenonTime ge {since}&$count=true")
    assert 0 < found["@iot.count"] < 20
    assert all(entity["phenomenonTime"] >= since for entity in found["value"])


async def test_an_observation_leads_back() -> None:
    (entity,) = (await ask(f"{STREAM}/Observations?$top=1"))["value"]
    own = urlsplit(entity["@iot.selfLink"]).path
    assert (await ask(own))["result"] == 500
    assert (await ask(f"{own}/Datastream"))["@iot.id"] == "11.up_level_mm"
    assert (await ask(f"{own}/FeatureOfInterest"))["@iot.id"] == "11"
    assert (await ask(f"{own}/Datastream/Thing/Locations"))["value"][0]["@iot.id"] == "11"


@pytest.mark.parametrize(
    "path",
    [
        "/sta/v1.1/Things?$expand=Datastreams",
        "/sta/v1.1/Things?$select=name",
        "/sta/v1.1/Observations",
        "/sta/v1.1/HistoricalLocations",
        "/sta/v1.1/Things('11')/name",
        "/sta/v1.1/Things/$ref",
        "/sta/v1.1/Things('11')?$expand=Datastreams",
        "/sta/v1.1/Things?$filter=startswith(name,'T')",
        "/sta/v1.1/FeaturesOfInterest('11')/Observations",
        "/sta/v1.1/Things('11')/HistoricalLocations",
        "/sta/v1.1/Tasks",
    ],
)
async def test_what_it_does_not_do_it_says(path: str) -> None:
    found = await ask(path, 501)
    assert "served" in found["message"] or "Datastream" in found["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/sta/v1.1/Things('99')",
        "/sta/v1.1/Nothing",
        "/sta/v1.1/Things('11')/Observations",
        "/sta/v1.1/Things(11)",
        "/sta/v1.1/Datastreams('31.import_power_w')",
        "/sta/v1.1/Things('31')",
        "/sta/v1.1/Things//Datastreams",
        "/sta/v1.1/Observations('11.up_level_mm.1')",
        "/sta/v1.1/Observations('x')",
        "/sta/v1.1/Things/Datastreams",
        "/sta/v1.1/Datastreams('12.up_level_mm')/Observations('11.up_level_mm.1795000000')",
    ],
)
async def test_what_is_not_there(path: str) -> None:
    await ask(path, 404)


@pytest.mark.parametrize("query", ["$top=x", "$filter=name", "$orderby=colour", "$nonsense=1"])
async def test_what_is_wrong(query: str) -> None:
    await ask(f"/sta/v1.1/Things?{query}", 400)


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
async def test_nothing_can_be_changed(method: str) -> None:
    for path in ("/sta/v1.1/Things", "/sta/v1.1"):
        answer = await browser().get(path, method)
        assert (answer.status, "read-only" in answer.text) == (501, True)
