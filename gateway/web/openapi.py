"""/openapi.json: what can be asked of the page's HTTP interface, for programs and for the tests. Pure."""

from collections.abc import Mapping
from typing import Any

from gateway.web.history import RANGES
from gateway.web.sensorthings import SETS

_LANGUAGE = {"name": "lang", "in": "query", "schema": {"type": "string", "enum": ["nb", "en"]}}
_RANGE = {"name": "range", "in": "query", "schema": {"type": "string", "enum": list(RANGES)}}
_NODE = {
    "name": "node",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": 65535},
}
_OPTIONS = [
    {"name": "$top", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 1000}},
    {"name": "$skip", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 100000}},
    {"name": "$count", "in": "query", "schema": {"type": "boolean"}},
    {"name": "$filter", "in": "query", "schema": {"type": "string", "maxLength": 500}},
    {"name": "$orderby", "in": "query", "schema": {"type": "string", "maxLength": 100}},
]
_STREAM = {
    "name": "stream",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": r"^[0-9a-z_.-]{1,60}$"},
}
_JSON, _CSV, _GEOJSON, _LD = "application/json", "text/csv", "application/geo+json", "application/ld+json"


def description(title: str, version: str = "1") -> dict[str, Any]:
    """Return the description as OpenAPI 3.0."""
    paths: dict[str, Any] = {
        "/data/latest.csv": _get("Latest value of everything", _CSV, _LANGUAGE),
        "/data/latest.geojson": _get("Latest value of everything", _GEOJSON, _LANGUAGE),
        "/data/alerts.csv": _get("Standing alerts", _CSV, _LANGUAGE),
        "/data/alerts.geojson": _get("Standing alerts", _GEOJSON, _LANGUAGE),
        "/data/energy.csv": _get("Electricity of buildings", _CSV, _LANGUAGE, missing=True),
        "/data/node/{node}.csv": _get("A place over some days", _CSV, _NODE, _LANGUAGE, missing=True),
        "/data/node/{node}.geojson": _get(
            "A place with its latest values", _GEOJSON, _NODE, _LANGUAGE, missing=True
        ),
        "/data/catalogue.jsonld": _get("DCAT-AP-NO record", _LD, _LANGUAGE),
        "/node/{node}.csv": _get("Records of a node", _CSV, _NODE, _RANGE, _LANGUAGE, missing=True),
        "/nodes.csv": _get("How the nodes are", _CSV, _LANGUAGE),
        "/healthz": _get("Whether the store can be read", _JSON),
        "/metrics": _get("For Prometheus", "text/plain"),
        "/sta/v1.1": _get("SensorThings: the entity sets", _JSON),
    }
    for name in SETS:
        if name != "Observations":
            paths[f"/sta/v1.1/{name}"] = _get(
                f"SensorThings: {name}", _JSON, _LANGUAGE, *_OPTIONS, odata=True
            )
    paths["/sta/v1.1/Datastreams('{stream}')"] = _get("One Datastream", _JSON, _STREAM, missing=True)
    paths["/sta/v1.1/Datastreams('{stream}')/Observations"] = _get(
        "Its Observations", _JSON, _STREAM, *_OPTIONS, missing=True, odata=True
    )
    return {"openapi": "3.0.3", "info": {"title": title, "version": version}, "paths": paths}


def _get(
    summary: str, media: str, *parameters: Mapping[str, Any], missing: bool = False, odata: bool = False
) -> dict[str, Any]:
    answers: dict[str, Any] = {"200": {"description": summary, "content": {media: {}}}}
    if missing:
        answers["404"] = {"description": "There is no such thing"}
    if odata:
        answers["400"] = {"description": "The query is wrong", "content": {_JSON: {}}}
        answers["501"] = {"description": "The query is right and not served", "content": {_JSON: {}}}
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": answers}}
