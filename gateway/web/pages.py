"""The pages as a Starlette application over what is live. It only reads."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from device_configs.model import Site
from gateway.model import NodeState
from gateway.web.battery import Days
from gateway.web.cards import Card, card, publicly
from gateway.web.concerns import Alert, Concern, concerns, provisional
from gateway.web.desk import Desk
from gateway.web.door import session_of
from gateway.web.energy_page import EnergyPages
from gateway.web.energy_view import EnergyView
from gateway.web.figures import amount
from gateway.web.hub import Event, Full, Hub
from gateway.web.live import Live, NodeLive
from gateway.web.metrics import Metrics
from gateway.web.node_page import History, HoursOf, NodePage, RolledOf
from gateway.web.nodes_page import NodesPages
from gateway.web.places import KINDS, Kind
from gateway.web.public import PublicView, nameless
from gateway.web.public_files import OpenData
from gateway.web.rounds import RoundPages
from gateway.web.shelf import Shelf, Written, aged
from gateway.web.static_files import FOLDER, Static, fingerprint
from gateway.web.units import shown
from gateway.web.way import NodeCounts, Sync, Way
from gateway.web.words import LANGUAGES, Language, Words, preferred

log = structlog.get_logger()

SEND_TIMEOUT_S = 10.0  # a page that takes nothing for so long is closed
Judge = Callable[[Iterable[NodeLive], float], Iterable[Alert]]
_THEMES = ("light", "dark")


class Pages:
    """Renders what `live` and `way` hold. `judge` returns the standing alerts; `look` asks it.

    `public` pages tell nothing of nodes; `frozen` ones are a copy that nobody can ask anything.
    """

    def __init__(
        self,
        site: Site,
        live: Live,
        *,
        clock: Callable[[], float] = time.time,
        judge: Judge = provisional,
        records: History = lambda _node, _from_s, _to_s: (),
        hours: HoursOf = lambda _node, _from_s, _to_s: None,
        rolled: RolledOf = lambda _period_s, _node, _from_s, _to_s: None,
        captures: Callable[[], Mapping[int, float]] = dict,
        voltages: Callable[[], Mapping[int, Days]] = dict,
        states: Callable[[], Sequence[NodeState]] = list,
        energy: EnergyView | None = None,
        desk: Desk | None = None,
        view: PublicView | None = None,
        public: bool = False,
        frozen: bool = False,
    ) -> None:
        self.site = site
        self.live = live
        self.hub = Hub()
        self.way = Way(0, 0, 0, 0, Sync("off"))
        self.counts: Mapping[int, NodeCounts] = {}
        self.standing: Sequence[Concern] = ()  # what needs attention, the most urgent first
        self.trouble = ""  # why the store cannot be read
        self._clock = clock
        self._judge = judge
        self._expected_w = energy.expected_w if energy else lambda _node: None
        self.desk = desk
        self.public = public
        self.frozen = frozen
        self._login = desk is not None or (public and not frozen)
        offered = tuple(lang for lang in LANGUAGES if lang in site.languages) or LANGUAGES
        self.languages: tuple[Language, ...] = offered
        self.words: Mapping[Language, Words] = {lang: Words(lang, site.timezone) for lang in offered}
        self._templates = Environment(
            loader=PackageLoader(__package__),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._version = fingerprint()
        self._shelf = Shelf(self._write)
        self.open_data = OpenData(view, self._page, self._words, self._alerts) if view else None
        nodes = NodesPages(
            live,
            self._page,
            self._words,
            counts=lambda: self.counts,
            states=states,
            captures=captures,
            voltages=voltages,
            clock=clock,
            spreading_factor=site.lora.spreading_factor if site.lora else None,
            site_id=site.id,
        )
        self.menu = [("/energy", "energy"), ("/measures", "measures")] if energy and site.buildings else []
        self.menu = [
            *([("/alerts", "alerts")] if desk else []),
            *self.menu,
            *([] if public else [("/nodes", "nodes")]),
            *([("/data", "data")] if view else []),
        ]
        node = NodePage(
            site,
            live,
            self._page,
            self._words,
            records=records,
            hours=hours,
            rolled=rolled,
            rounds=desk.rounds if desk else lambda _node, _from_s, _to_s: (),
            meter=energy.notes_at if energy else lambda _node: (),
            card=self.card_of,
            own=self._own,
            counts=lambda: self.counts,
            states=states,
            clock=clock,
            frozen=frozen,
            files=not public,
        )
        door = desk.door if desk else None
        routes = [
            Route("/", self._live),
            *node.routes,
            *([] if public else nodes.routes),
            *(EnergyPages(energy, self._page, self._words, door).routes if energy else ()),
            *(desk.routes(self._page) if desk else ()),
            *(RoundPages(live, desk, self._page, self._words, self.card_of, clock).routes if desk else ()),
            *(self.open_data.routes if self.open_data else ()),
            Route("/accessibility", self._accessibility),
            Route("/events", self._events),
            Route("/healthz", self._health),
            Route("/metrics", self._metrics),
            Mount("/static", Static(directory=FOLDER)),
        ]
        self._measured = Metrics(
            live, lambda: self.way, lambda: self.counts, lambda: list(self.standing), lambda: len(self.hub)
        )
        self.app = Starlette(
            routes=routes,
            middleware=[Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)],
            exception_handlers={HTTPException: self._wrong, Exception: self._broken},
        )

    # What all pages share

    def _words(self, request: Request) -> Words:
        asked = request.query_params.get("lang")
        for language in self.languages:
            if language == asked:
                return self.words[language]
        return self.words[preferred(request.headers.get("accept-language", ""), self.languages)]

    def _page(self, request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        say = self._words(request)
        theme = request.query_params.get("theme", "")
        html = self.render(
            name,
            say,
            link=_links(request),
            theme=theme if theme in _THEMES else "",
            wall=request.query_params.get("view") == "wall",
            path=request.url.path,
            who=session_of(request),
            login=self._login,
            menu=self.menu,
            here=f"{request.url.scheme}://{request.url.netloc}",
            **values,
        )
        headers = {"Vary": "Accept-Language, Cookie", "Content-Language": say.language}
        if session_of(request) is not None:
            headers["Cache-Control"] = "no-store"
        return HTMLResponse(html, status, headers)

    def render(self, name: str, say: Words, **values: Any) -> str:
        """Return a template filled in."""
        return self._templates.get_template(name).render(
            say=say,
            site=self.site,
            now_s=self._clock(),
            version=self._version,
            languages=self.languages,
            public=self.public,
            frozen=self.frozen,
            amount=amount,
            shown=shown,
            **values,
        )

    # The live page

    async def _live(self, request: Request) -> Response:
        say = self._words(request)
        link = _links(request)
        cards = {id_: self.card(id_, say.language) for id_ in self.live.nodes}

        def html(node: int) -> Markup:
            """Return a card as it is now, with the reader's choices in its link."""
            text, path = cards[node].html, f"/node/{node}"
            text = text if self.frozen else aged(text, say, self._clock())
            return Markup(text.replace(f'href="{path}"', f'href="{escape(link(path))}"'))  # noqa: S704

        def of_kind(kind: Kind) -> list[int]:
            mine = [id_ for id_, node in self.live.nodes.items() if node.place.kind == kind]
            return sorted(mine, key=lambda node: cards[node].need)

        return self._page(
            request,
            "live.html",
            kinds=[(kind, found) for kind in KINDS if (found := of_kind(kind))],
            html=html,
            concerns=self.standing,
            at_work=self._at_work(),
            newest_s=self.live.newest_at_s(self._clock()),
            way=self.way,
        )

    def card(self, node: int, language: Language) -> Written:
        """Return the card of a node as HTML."""
        live = self.live.nodes[node]
        stale = live.stale(self._clock())
        version = live.version, stale, live.on_shelf_s, self._own(node), self._expected_w(node)
        return self._shelf.card(node, language, version)

    def _write(self, node: int, language: Language) -> tuple[str, tuple[int, str]]:
        say = self.words[language]
        found = self.card_of(self.live.nodes[node], say)
        return self.render("card_alone.html", say, card=found), found.need

    def _own(self, node: int) -> list[Concern]:
        return [concern for concern in self.standing if concern.node == node]

    def _at_work(self) -> tuple[int, int]:
        """Return how many places report now, and how many do not because their nodes are on the shelf."""
        nodes, now_s = self.live.nodes.values(), self._clock()
        live = sum(not node.stale(now_s) for node in nodes)
        return live, sum(node.on_shelf_s is not None for node in nodes)

    def look(self) -> set[int]:
        """Find out what needs attention now; return the nodes of which that has changed."""
        now_s, nodes, before = self._clock(), list(self.live.nodes.values()), self.standing
        self.standing = concerns(() if self.public else nodes, self._alerts(), now_s)
        come = [concern for concern in self.standing if concern not in before]
        gone = [concern for concern in before if concern not in self.standing]
        return {concern.node for concern in come + gone} & self.live.nodes.keys()  # or of the gateway itself

    def _alerts(self) -> list[Alert]:
        found = list(self._judge(list(self.live.nodes.values()), self._clock()))
        return nameless(found, self.live.nodes) if self.public else found

    def card_of(self, node: NodeLive, say: Words) -> Card:
        id_ = node.place.id
        found = card(node, say, self._clock(), self._own(id_), self._expected_w(id_))
        return publicly(found, say) if self.public else found

    # What open pages are told

    def card_event(self, node: int, language: Language) -> Event:
        written = self.card(node, language)
        kind = self.live.nodes[node].place.kind
        return _event("card", str(node), node=node, kind=kind, need=written.need, html=written.html)

    def state_event(self, language: Language) -> Event:
        say = self.words[language]
        html = self.render("state_alone.html", say, concerns=self.standing, at_work=self._at_work())
        return _event("state", html=html)

    def way_event(self, language: Language) -> Event:
        return _event("way", html=self.render("way_alone.html", self.words[language], way=self.way))

    def tick_event(self) -> Event:
        now_s = self._clock()
        return _event("tick", now=round(now_s, 1), newest=self.live.newest_at_s(now_s))

    async def _events(self, request: Request) -> Response:
        language = self._words(request).language
        try:
            client = self.hub.join(language)
        except Full:
            return PlainTextResponse("Too many pages are open.\n", 503, {"Retry-After": "30"})

        async def tell() -> AsyncIterator[bytes]:
            try:
                # Everything first: whoever comes back after a while has missed it.
                yield _sent([self.tick_event(), self.state_event(language), self.way_event(language)])
                for node in self.live.nodes:
                    yield _sent([self.card_event(node, language)])
                async for events in client.events():
                    yield _sent(events)
            finally:
                self.hub.leave(client)

        return EventSourceResponse(tell(), send_timeout=SEND_TIMEOUT_S, ping=0, sep="\n")

    # The rest

    async def _metrics(self, _: Request) -> Response:
        headers = {"Cache-Control": "no-store"}
        return Response(self._measured.text(), media_type="text/plain; version=0.0.4", headers=headers)

    async def _accessibility(self, request: Request) -> Response:
        return self._page(request, "accessibility.html")

    async def _health(self, _: Request) -> Response:
        """200 while the store can be read."""
        answer = {
            "ok": not self.trouble,
            "newest_s": self.live.newest_at_s(self._clock()),
            "trouble": self.trouble or None,
        }
        return JSONResponse(answer, 503 if self.trouble else 200, {"Cache-Control": "no-store"})

    async def _wrong(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        key = "403" if error.status_code == 403 else "404"
        return self._page(request, "error.html", error.status_code, key=key)

    async def _broken(self, request: Request, error: Exception) -> Response:
        log.error("page_failed", path=request.url.path, reason=f"{type(error).__name__}: {error}")
        return self._page(request, "error.html", 500, key="500")


def _links(request: Request) -> Callable[..., str]:
    """Return what makes the address of a page, with the reader's choices kept unless changed."""
    of_page = ("range", "from", "to", "days", "month")  # what only this page understands
    query = {k: v for k, v in request.query_params.items() if k in ("lang", "theme", "view", *of_page)}

    def link(path: str | None = None, **changes: str | None) -> str:
        kept = {k: v for k, v in query.items() if path is None or k not in of_page}
        asked = {k: v for k, v in {**kept, **changes}.items() if v is not None}
        text = "&".join(f"{k}={v}" for k, v in sorted(asked.items()) if v.isalnum())
        return (request.url.path if path is None else path) + (f"?{text}" if text else "")

    return link


def _event(name: str, about: str = "", **values: object) -> Event:
    return Event(name, json.dumps(values, ensure_ascii=False, separators=(",", ":")), about)


def _sent(events: Iterable[Event]) -> bytes:
    return b"".join(event.encoded for event in events)
