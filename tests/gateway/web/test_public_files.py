"""The open data: page, files, catalogue."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.web.public import PublicView
from gateway.web.public_files import LICENCES
from tests.gateway.web.asking import Answer, Browser
from tests.gateway.web.desk_made import Made
from tests.gateway.web.energy_made import NOW_S as ENERGY_S
from tests.gateway.web.energy_made import fill
from tests.gateway.web.energy_made import site as energy_site
from tests.gateway.web.made import NOW_S, live
from tests.gateway.web.test_pages import checked, made


async def get(tmp_path: Path, path: str) -> Answer:
    return await (await Made(tmp_path).browser()).get(path)


def table(answer: Answer, delimiter: str) -> list[dict[str, str]]:
    assert answer.status == 200
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text[1:]), delimiter=delimiter))


@pytest.mark.parametrize("language", ["nb", "en"])
async def test_the_page_says_what_there_is_and_how_to_fetch_it(tmp_path: Path, language: str) -> None:
    text = (await get(tmp_path, f"/data?lang={language}")).text
    checked(text.replace('href="https://data.norge.no', 'href="/'))
    assert "curl -sO http://localhost/data/latest.csv" in text
    assert LICENCES["NLOD-2.0"][1] in text
    assert text.count("<pre") == 6
    for id_ in (11, 12, 21, 22):
        assert f"/data/node/{id_}.csv" in text
    assert "/data/node/31" not in text


async def test_every_file_the_page_names_is_there(tmp_path: Path) -> None:
    browser = await Made(tmp_path).browser()
    text = (await browser.get("/data")).text
    links = {part.partition('"')[0] for part in text.split('href="')[1:]}
    files = [link for link in links if link.startswith(("/data/", "/sta"))]
    assert len(files) >= 14
    for link in files:
        answer = await browser.get(link)
        assert answer.status == 200, link
        if link.startswith("/data/"):
            assert answer.headers["access-control-allow-origin"] == "*"


async def test_latest_values(tmp_path: Path) -> None:
    lines = table(await get(tmp_path, "/data/latest.csv?lang=nb"), ";")
    found = {(line["place"], line["key"]): line for line in lines}
    level = found["11", "up_level_mm"]
    assert (level["value"], level["unit"], level["quality"], level["latitude"]) == (
        "519",
        "mm",
        "0",
        "68,4447",
    )
    assert found["11", "air_temp_cc"]["value"] == "-3,5"
    assert {place for place, _ in found} == {"11", "21"}
    english = table(await get(tmp_path, "/data/latest.csv?lang=en"), ",")
    assert english[0]["latitude"] == "68.4447"


async def test_a_place_whose_node_is_on_the_shelf_says_so_beside_its_last_values(tmp_path: Path) -> None:
    made_here = Made(tmp_path)
    made_here.pages.live.shelve({11: NOW_S + 1, 12: NOW_S - 7}, NOW_S)
    browser = await made_here.browser()
    since = {
        (line["place"], line["on_shelf_since_utc"])
        for line in table(await browser.get("/data/latest.csv?lang=en"), ",")
    }
    assert since == {("11", "2026-11-18T11:06:41Z"), ("21", "")}
    features = json.loads((await browser.get("/data/latest.geojson")).text)["features"]
    told = {f["id"]: f["properties"].get("on_shelf_since") for f in features}
    assert told == {11: "2026-11-18T11:06:41Z", 12: "2026-11-18T11:06:33Z", 21: None, 22: None}


async def test_a_place_over_some_days(tmp_path: Path) -> None:
    lines = table(await get(tmp_path, "/data/node/11.csv?lang=nb"), ";")
    assert len(lines) == 20
    assert lines[-1]["up_level_mm [mm]"] == "519"
    assert not [name for name in lines[0] if "battery" in name or "loop" in name]
    for path in ("/data/node/31.csv", "/data/node/31.geojson", "/data/node/99.csv"):
        assert (await get(tmp_path, path)).status == 404


async def test_geojson(tmp_path: Path) -> None:
    for path, count in (
        ("/data/latest.geojson", 4),
        ("/data/node/11.geojson", 1),
        ("/data/alerts.geojson", 1),
    ):
        answer = await get(tmp_path, path)
        assert answer.headers["content-type"] == "application/geo+json"
        found = json.loads(answer.text)
        assert found["type"] == "FeatureCollection"
        assert len(found["features"]) == count
        for feature in found["features"]:
            longitude, latitude = feature["geometry"]["coordinates"]
            assert 17 < longitude < 18
            assert 68 < latitude < 69


async def test_alerts_without_names(tmp_path: Path) -> None:
    (line,) = table(await get(tmp_path, "/data/alerts.csv?lang=en"), ",")
    assert (line["place"], line["priority"], line["alert"]) == ("11", "alarm", "Rista tettes")
    assert "Vakt" not in str(line)


async def test_energy(tmp_path: Path) -> None:
    fill(tmp_path)
    site = energy_site()
    view = PublicView(site, live(site=site), lambda *_: (), tmp_path, lambda: ENERGY_S)
    browser = Browser(made(site=site, view=view).app)
    lines = table(await browser.get("/data/energy.csv?lang=nb"), ";")
    assert {line["building"] for line in lines} == {"radhuset", "idrettens-hus"}
    assert all("," in line["kwh"] or line["kwh"].isdigit() for line in lines)


async def test_the_catalogue_obeys_dcat_ap_no(tmp_path: Path) -> None:
    answer = await get(tmp_path, "/data/catalogue.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    found: dict[str, Any] = json.loads(answer.text)
    # What the profile calls mandatory of catalogue, data set and distribution.
    for name in ("dct:title", "dct:description", "dct:publisher", "dcat:dataset"):
        assert found[name], name
    assert len(found["dcat:dataset"]) == 4
    for each in found["dcat:dataset"]:
        for name in (
            "dct:title",
            "dct:description",
            "dct:publisher",
            "dcat:theme",
            "dcat:contactPoint",
            "dct:accessRights",
        ):
            assert each[name], name
        for file in each["dcat:distribution"]:
            assert file["dcat:accessURL"]["@id"].startswith("http://localhost/data/")
            assert file["dct:license"]["@id"] == LICENCES["NLOD-2.0"][1]
            assert file["dct:format"]["@id"].startswith(
                "http://publications.europa.eu/resource/authority/file-type/"
            )
