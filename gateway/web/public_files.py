"""Open data: what there is, as CSV, GeoJSON and a DCAT-AP-NO catalogue, and how to fetch it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.web.concerns import Alert, Concern
from gateway.web.dcat import Dataset, catalogue
from gateway.web.live import NodeLive
from gateway.web.openapi import description
from gateway.web.public import PublicView, nameless, public_keys
from gateway.web.sensorthings import quantity_of
from gateway.web.sensorthings_api import PREFIX, SensorThings
from gateway.web.tables import csv_text
from gateway.web.units import shown
from gateway.web.words import Words

Render = Callable[..., Response]
LICENCES: Mapping[str, tuple[str, str]] = {
    "NLOD-2.0": ("Norsk lisens for offentlige data (NLOD) 2.0", "https://data.norge.no/nlod/no/2.0"),
    "CC-BY-4.0": ("Creative Commons BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
}
_DAYS = 7
_CORS = {"Access-Control-Allow-Origin": "*"}  # it is public: any page may fetch it


class OpenData:
    """Routes of the open data. `alerts` returns the standing alerts."""

    def __init__(
        self,
        view: PublicView,
        render: Render,
        words: Callable[[Request], Words],
        alerts: Callable[[], Iterable[Alert | Concern]],
    ) -> None:
        self.view = view
        self._render = render
        self._words = words
        self._alerts = alerts
        self.routes = [
            Route("/data", self._page),
            Route("/data/latest.csv", self._latest_csv),
            Route("/data/latest.geojson", self._latest_geojson),
            Route("/data/alerts.csv", self._alerts_csv),
            Route("/data/alerts.geojson", self._alerts_geojson),
            Route("/data/energy.csv", self._energy_csv),
            Route("/data/node/{node:int}.csv", self._node_csv),
            Route("/data/node/{node:int}.geojson", self._node_geojson),
            Route("/data/catalogue.jsonld", self._catalogue),
            Route("/openapi.json", self._description),
            *SensorThings(view, words).routes,
        ]

    async def _page(self, request: Request) -> Response:
        return self._render(
            request,
            "data.html",
            sets=self.sets(self._words(request)),
            nodes=self.view.nodes(),
            licence=LICENCES[self.view.whole.page.licence],
            settings=self.view.whole.page,
            buildings=self.view.buildings,
            base=self.base(request),
            sensorthings=PREFIX,
            newest_s=max((n.last.measured_at_s for n in self.view.nodes() if n.last), default=None),
        )

    def base(self, request: Request) -> str:
        """Return where the public finds all this: the published copy where there is one."""
        return self.view.whole.page.public_url or f"{request.url.scheme}://{request.url.netloc}"

    def sets(self, say: Words) -> list[Dataset]:
        """Return what there is: name, description and files of each."""
        latest, alerts = (
            Dataset(name, say(f"data.{name}"), say(f"data.{name}.text"), (f"{name}.csv", f"{name}.geojson"))
            for name in ("latest", "alerts")
        )
        files = tuple(f"node/{node.place.id}.csv" for node in self.view.nodes())
        history = Dataset("history", say("data.history"), say("data.history.text", n=_DAYS), files)
        found = [latest, history, alerts]
        if self.view.buildings:
            kind = "hour" if self.view.whole.page.building_energy == "hourly" else "day"
            found.append(Dataset("energy", say("data.energy"), say(f"data.energy.{kind}"), ("energy.csv",)))
        return found

    # The files as text, for the service and for the published copy

    def latest_csv(self, say: Words) -> str:
        header = ["place", "name", "latitude", "longitude", "time_utc", "key", "value", "unit", "quality"]
        header += ["on_shelf_since_utc"]
        return csv_text(header, self._latest(say), say)

    def _latest(self, say: Words) -> Iterator[list[object]]:
        for node in self.view.nodes():
            place = node.place.node
            shelf = say.utc(node.on_shelf_s) if node.on_shelf_s else None
            for key in public_keys(node.place):
                if (sample := node.newest.get(key)) is not None and sample.value is not None:
                    quantity = quantity_of(key)
                    value = sample.value * (quantity.scale if quantity else 1)
                    yield [
                        place.id, place.name, float(place.latitude), float(place.longitude),
                        say.utc(sample.at_s), key, float(value), quantity.unit if quantity else "",
                        sample.quality, shelf,
                    ]  # fmt: skip

    def latest_geojson(self, say: Words) -> dict[str, Any]:
        return _collection([self.feature(node, say) for node in self.view.nodes()])

    def feature(self, node: NodeLive, say: Words) -> dict[str, Any]:
        """Return a place with its newest values as a GeoJSON feature."""
        values = {}
        for key in public_keys(node.place):
            sample = node.newest.get(key)
            if sample is not None and sample.value is not None:
                how = shown(key)
                number = how.of(sample.value)
                values[key] = {
                    "name": say.value(key), "value": round(number, how.places(number)), "unit": how.unit,
                    "time": say.utc(sample.at_s), "quality": sample.quality,
                }  # fmt: skip
        place = node.place.node
        told = {"name": place.name, "place": place.place, "kind": node.place.kind, "values": values}
        if node.on_shelf_s is not None:
            told["on_shelf_since"] = say.utc(node.on_shelf_s)
        return _feature(place.id, place.longitude, place.latitude, told)

    def alerts_csv(self, say: Words) -> str:
        header = ["place", "name", "priority", "alert", "since_utc", "action", "respond_within_min"]
        lines = []
        for node, alert in self._standing():
            words = alert.texts[say.language]
            name, action = words["name"], words["action"]
            since, within = say.utc(alert.since_s), alert.respond_within_min
            lines.append([node.place.id, node.place.node.name, alert.priority, name, since, action, within])
        return csv_text(header, lines, say)

    def alerts_geojson(self, say: Words) -> dict[str, Any]:
        found = []
        for node, alert in self._standing():
            place = node.place.node
            told = {
                "name": place.name,
                "priority": alert.priority,
                "alert": alert.texts[say.language]["name"],
                "since": say.utc(alert.since_s),
            }
            found.append(_feature(place.id, place.longitude, place.latitude, told))
        return _collection(found)

    def _standing(self) -> Iterator[tuple[NodeLive, Alert]]:
        nodes = {node.place.id: node for node in self.view.nodes()}
        alerts = [a for a in self._alerts() if not isinstance(a, Concern)]
        for alert in nameless(alerts, nodes):
            yield nodes[alert.node], alert

    def energy_csv(self, say: Words) -> str:
        """Raises StoreError."""
        names = dict(self.view.buildings)
        header = ["building", "name", "from_utc", "to_utc", "kwh", "estimated_hours"]
        lines = [
            [s.building, names[s.building], say.utc(s.start_s), say.utc(s.end_s), float(s.kwh), s.estimated_h]
            for s in self.view.sums()
        ]
        return csv_text(header, lines, say)

    def node_csv(self, node: NodeLive, say: Words) -> str:
        """Return the last days of a place, one line for each record. Raises StoreError."""
        keys = public_keys(node.place)
        scales = {key: (q.scale, q.unit) if (q := quantity_of(key)) else (1, "") for key in keys}
        now_s = int(self.view.clock())
        names = [f"{key} [{scales[key][1]}]" for key in keys]
        lines = []
        for record, found in self.view.readings(node, now_s - _DAYS * 86_400, now_s + 3600):
            line: list[object] = [say.local(record.measured_at_s).strftime("%Y-%m-%d %H:%M:%S")]
            line.append(say.utc(record.measured_at_s))
            for key in keys:
                reading = found.get(key)
                known = reading is not None and reading.value is not None
                line.append(float(reading.value * scales[key][0]) if known else None)  # type: ignore[union-attr,operator]
                line.append(reading.quality if reading is not None else None)
            lines.append(line)
        pairs = ((name, f"{key} quality") for name, key in zip(names, keys, strict=True))
        header = ["time_local", "time_utc", *(name for pair in pairs for name in pair)]
        return csv_text(header, lines, say)

    def catalogue(self, base: str, say: Words) -> dict[str, Any]:
        newest_s = max((n.last.measured_at_s for n in self.view.nodes() if n.last), default=self.view.clock())
        return catalogue(
            self.view.site,
            self.sets(say),
            base=base,
            licence=LICENCES[self.view.whole.page.licence][1],
            modified=say.utc(newest_s),
            languages=self.view.site.languages,
        )

    # The routes

    async def _latest_csv(self, request: Request) -> Response:
        return self._csv("latest", self.latest_csv(self._words(request)))

    async def _latest_geojson(self, request: Request) -> Response:
        return _geojson(self.latest_geojson(self._words(request)))

    async def _alerts_csv(self, request: Request) -> Response:
        return self._csv("alerts", self.alerts_csv(self._words(request)))

    async def _alerts_geojson(self, request: Request) -> Response:
        return _geojson(self.alerts_geojson(self._words(request)))

    async def _energy_csv(self, request: Request) -> Response:
        if not self.view.buildings:
            return JSONResponse({"message": "This site publishes no energy of buildings"}, 404)
        return self._csv("energy", await asyncio.to_thread(self.energy_csv, self._words(request)))

    async def _node_csv(self, request: Request) -> Response:
        node = self.view.node(request.path_params["node"])
        if node is None:
            return JSONResponse({"message": "There is no such public place"}, 404)
        say = self._words(request)
        return self._csv(str(node.place.id), await asyncio.to_thread(self.node_csv, node, say))

    async def _node_geojson(self, request: Request) -> Response:
        node = self.view.node(request.path_params["node"])
        if node is None:
            return JSONResponse({"message": "There is no such public place"}, 404)
        return _geojson(_collection([self.feature(node, self._words(request))]))

    async def _catalogue(self, request: Request) -> Response:
        found = self.catalogue(self.base(request), self._words(request))
        return JSONResponse(found, media_type="application/ld+json", headers=_CORS)

    async def _description(self, _: Request) -> Response:
        return JSONResponse(description(f"Sensornett, {self.view.site.name}"), headers=_CORS)

    def _csv(self, name: str, text: str) -> Response:
        attached = f'attachment; filename="{self.view.site.id}-{name}.csv"'
        return Response(
            text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": attached, **_CORS}
        )


def _feature(id_: int, longitude: float, latitude: float, told: Mapping[str, Any]) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "id": id_, "geometry": point, "properties": dict(told)}


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _geojson(found: dict[str, Any]) -> Response:
    return JSONResponse(found, media_type="application/geo+json", headers=_CORS)
