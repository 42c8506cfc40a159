"""The SensorThings service over HTTP: resource paths, paging, and 501 for what it does not do."""

import asyncio
import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.web.odata import NotServed, Query, Wrong, apply, parse
from gateway.web.public import PAST_DAYS, PublicView
from gateway.web.sensorthings import LINKS, PROPERTIES, SETS, VERSION, Entity, entities, observations
from gateway.web.words import Words

PREFIX = f"/sta/{VERSION}"
_CORE = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMANCE = [
    _CORE + name
    for name in (
        "datamodel/thing", "datamodel/location", "datamodel/datastream", "datamodel/sensor",
        "datamodel/observed-property", "datamodel/observation", "datamodel/feature-of-interest",
        "resource-path", "request-data/order", "request-data/count", "request-data/skip", "request-data/top",
    )
]  # fmt: skip
_SEGMENT = re.compile(r"(?P<name>[A-Za-z]+)(?:\('(?P<id>[^']{1,120})'\))?")
_ELSEWHERE = ("HistoricalLocations", "Tasks", "Actuators", "TaskingCapabilities", "MultiDatastreams")
_AT_ONCE = 2  # requests that read records at the same time
_FAR_S = 1 << 40


class Gone(Exception):
    """There is no such resource."""


class SensorThings:
    """Routes of the service."""

    def __init__(self, view: PublicView, words: Callable[[Request], Words]) -> None:
        self._view = view
        self._words = words
        self._reading = asyncio.Semaphore(_AT_ONCE)
        every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        self.routes = [
            Route("/sta", self._root, methods=every),
            Route(PREFIX, self._root, methods=every),
            Route(PREFIX + "/{path:path}", self._answer, methods=every),
        ]

    async def _root(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _said(501, "This service is read-only: GET is served")
        root = _root_of(request)
        return _json(
            {
                "value": [{"name": name, "url": f"{root}/{name}"} for name in SETS],
                "serverSettings": {"conformance": CONFORMANCE},
            }
        )

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _said(501, "This service is read-only: GET is served")
        path = request.path_params["path"].strip("/")
        if not path:
            return await self._root(request)
        try:
            async with self._reading:
                return await asyncio.to_thread(self._resolve, request, path)
        except Wrong as error:
            return _said(400, str(error))
        except NotServed as error:
            return _said(501, str(error))
        except (Gone, KeyError):
            return _said(404, "There is no such entity")

    def _resolve(self, request: Request, path: str) -> Response:
        known = entities(self._view, self._words(request))
        kind, ids = "", None
        entity: Entity | None = None
        for number, text in enumerate(path.split("/")):
            if text in ("$ref", "$value", "$count"):
                raise NotServed(f"{text} is not served: ask for the entities themselves")
            segment = _SEGMENT.fullmatch(text)
            if segment is None:
                raise Gone
            name = segment["name"]
            if number == 0:
                if name not in SETS:
                    if name in _ELSEWHERE:
                        raise NotServed(f"{name} are not served. Served are {', '.join(SETS)}")
                    raise Gone
                kind, ids = name, None
            else:
                if entity is None:
                    raise Gone
                if name not in LINKS[kind]:
                    if name in entity.body:
                        raise NotServed("Single properties are not served: ask for the whole entity")
                    if name == "HistoricalLocations":
                        raise NotServed("HistoricalLocations are not served: places do not move")
                    raise Gone
                if kind == "FeaturesOfInterest":
                    raise NotServed("Ask a Datastream for its Observations")
                kind, ids = LINKS[kind][name], entity.leads.get(name)
            one = number > 0 and not name.endswith("s")
            if segment["id"] is None and not one:
                of = entity.id if entity is not None and kind == "Observations" else None
                entity = None
                if number < path.count("/"):
                    continue
                return self._collection(request, known, kind, ids, of)
            wanted = (ids or [""])[0] if one else segment["id"]
            if ids is not None and wanted not in ids and kind != "Observations":
                raise Gone
            if kind == "Observations" and entity is not None and not wanted.startswith(f"{entity.id}."):
                raise Gone
            entity = self._observation(wanted) if kind == "Observations" else known[kind][wanted]
            ids = None
        assert entity is not None
        if request.query_params:
            asked = [name for name in request.query_params if name.startswith("$")]
            if asked:
                raise NotServed(f"{asked[0][:40]} is served on collections only")
        return _json(entity.as_json(_root_of(request)))

    def _observation(self, id_: str) -> Entity:
        stream, _, at = id_.rpartition(".")
        if not re.fullmatch(r"[0-9]{1,12}", at):
            raise Gone
        for found in observations(self._view, stream, int(at), int(at) + 1, False):
            return found
        raise Gone

    def _collection(
        self,
        request: Request,
        known: dict[str, dict[str, Entity]],
        kind: str,
        ids: Sequence[str] | None,
        stream: str | None,
    ) -> Response:
        query = parse(request.query_params.multi_items(), PROPERTIES[kind])
        if kind == "Observations":
            if stream is None:
                raise NotServed("Ask a Datastream for its Observations: Datastreams('...')/Observations")
            found, count = self._observations(stream, query)
        else:
            all_ = [known[kind][id_] for id_ in (ids if ids is not None else known[kind])]
            found, count = self._applied(all_, query)
        answer: dict[str, Any] = {"@iot.count": count} if query.count else {}
        if query.skip + len(found) < count and found:
            kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("$skip", "$top")]
            paged = [*kept, ("$top", query.top), ("$skip", query.skip + query.top)]
            more = urlencode(paged, safe="$", quote_via=quote)
            path = request.path_params["path"].strip("/")
            answer["@iot.nextLink"] = f"{_root_of(request)}/{quote(path, safe=chr(39) + '()/')}?{more}"
        answer["value"] = [entity.as_json(_root_of(request)) for entity in found]
        return _json(answer)

    @staticmethod
    def _applied(all_: Sequence[Entity], query: Query) -> tuple[list[Entity], int]:
        own = {id(entity.compared): entity for entity in all_}
        found, count = apply([entity.compared for entity in all_], query)
        return [own[id(compared)] for compared in found], count

    def _observations(self, stream: str, query: Query) -> tuple[list[Entity], int]:
        """Return what is asked for, reading no further than it takes; newest first unless asked otherwise."""
        low, high = query.bounds
        from_s = int(max(low, self._view.clock() - PAST_DAYS * 86_400, 0))
        to_s = int(min(high, _FAR_S)) + 1
        if any(name != "phenomenonTime" for name, _ in query.orderby) or query.count:
            every = list(observations(self._view, stream, from_s, to_s, not query.orderby))
            return self._applied(every, query)
        newest_first = query.orderby[0][1] if query.orderby else True
        fits = (
            entity
            for entity in observations(self._view, stream, from_s, to_s, newest_first)
            if query.test is None or query.test(entity.compared)
        )
        found = list(islice(fits, query.skip, query.skip + query.top + 1))
        return found[: query.top], query.skip + len(found)


def _root_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{PREFIX}"


def _json(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers={"Access-Control-Allow-Origin": "*"})


def _said(status: int, text: str) -> Response:
    return JSONResponse({"code": status, "type": "error", "message": text}, status)
