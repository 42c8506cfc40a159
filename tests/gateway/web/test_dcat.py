"""The catalogue where the site has little to say."""

from typing import Any

from device_configs.model import Site
from gateway.web.dcat import Dataset, catalogue
from tests.gateway.web.made import SITE

SETS = [Dataset("latest", "Latest", "Values.", ("latest.csv", "latest.geojson"))]


def made(site: Site = SITE) -> dict[str, Any]:
    return catalogue(
        site,
        SETS,
        base="https://x.example",
        licence="https://l",
        modified="2026-01-01T00:00:00Z",
        languages=("nb", "en"),
    )


def test_files_have_types_that_harvesters_know() -> None:
    (found,) = made()["dcat:dataset"]
    assert [file["dcat:mediaType"]["@id"].rpartition("/")[2] for file in found["dcat:distribution"]] == [
        "csv",
        "geo+json",
    ]
    assert found["dcat:theme"] == [
        {"@id": "http://publications.europa.eu/resource/authority/data-theme/ENVI"}
    ]
    assert found["dct:language"][0]["@id"].endswith("NOB")


def test_who_to_ask_has_an_address_even_without_mail() -> None:
    (found,) = made()["dcat:dataset"]
    assert found["dcat:contactPoint"]["vcard:hasURL"] == {"@id": "https://x.example/data"}
