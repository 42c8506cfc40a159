"""The catalogue record of the open data as DCAT-AP-NO 2.2 in JSON-LD, for harvesters. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from device_configs.model import Site

_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
_LANGUAGES = {"nb": _LANGUAGE + "NOB", "nn": _LANGUAGE + "NNO", "en": _LANGUAGE + "ENG"}
_FILE_TYPE = "http://publications.europa.eu/resource/authority/file-type/"
_FILE_TYPES = {
    "csv": ("text/csv", _FILE_TYPE + "CSV"),
    "geojson": ("application/geo+json", _FILE_TYPE + "GEOJSON"),
}
_THEMES = {
    "latest": "ENVI",
    "history": "ENVI",
    "alerts": "ENVI",
    "energy": "ENER",
}
_THEME = "http://publications.europa.eu/resource/authority/data-theme/"
_PUBLIC = "http://publications.europa.eu/resource/authority/access-right/PUBLIC"
_FREQUENCY = "http://publications.europa.eu/resource/authority/frequency/CONT"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set: its files are addresses below /data/."""

    id: str
    title: str
    text: str
    files: tuple[str, ...]


def catalogue(
    site: Site,
    sets: Sequence[Dataset],
    *,
    base: str,
    licence: str,
    modified: str,
    languages: Sequence[str],
) -> dict[str, Any]:
    """Return the record. `base` is where the data are found; `modified` is the newest value's time (UTC)."""
    publisher = {"@id": f"{base}/#publisher", "@type": "foaf:Agent", "foaf:name": site.name}
    contact: dict[str, Any] = {"@type": "vcard:Organization", "vcard:fn": site.contact.role}
    if site.contact.email:
        contact["vcard:hasEmail"] = {"@id": f"mailto:{site.contact.email}"}
    else:
        contact["vcard:hasURL"] = {"@id": f"{base}/data"}
    spoken = [{"@id": _LANGUAGES[language]} for language in languages if language in _LANGUAGES]
    when = {"@value": modified, "@type": "xsd:dateTime"}
    first = languages[0] if languages else "nb"
    return {
        "@context": _CONTEXT,
        "@id": f"{base}/data/catalogue.jsonld",
        "@type": "dcat:Catalog",
        "dct:title": _said(site.name, first),
        "dct:description": _said(f"{site.name}: Sensornett", first),
        "dct:publisher": publisher,
        "dct:license": {"@id": licence},
        "dct:language": spoken,
        "dct:modified": when,
        "foaf:homepage": {"@id": f"{base}/data"},
        "dcat:dataset": [
            {
                "@id": f"{base}/data#{found.id}",
                "@type": "dcat:Dataset",
                "dct:title": _said(found.title, first),
                "dct:description": _said(found.text, first),
                "dct:publisher": {"@id": publisher["@id"]},
                "dct:accessRights": {"@id": _PUBLIC},
                "dct:accrualPeriodicity": {"@id": _FREQUENCY},
                "dct:modified": when,
                "dct:language": spoken,
                "dcat:theme": [{"@id": _THEME + _THEMES[found.id]}],
                "dcat:contactPoint": contact,
                "dcat:keyword": [_said(word, "en") for word in ("sensors", found.id)],
                "dcat:distribution": [
                    _distribution(base, name, licence, found.title, first) for name in found.files
                ],
            }
            for found in sets
        ],
    }


def _said(text: str, language: str) -> dict[str, str]:
    return {"@value": text, "@language": language}


def _distribution(base: str, name: str, licence: str, title: str, language: str) -> dict[str, Any]:
    media, file_type = _FILE_TYPES[name.rpartition(".")[2]]
    url = {"@id": f"{base}/data/{name}"}
    return {
        "@id": f"{url['@id']}#file",
        "@type": "dcat:Distribution",
        "dct:title": _said(f"{title} ({name})", language),
        "dcat:accessURL": url,
        "dcat:downloadURL": url,
        "dct:license": {"@id": licence},
        "dct:format": {"@id": file_type},
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{media}"},
    }
