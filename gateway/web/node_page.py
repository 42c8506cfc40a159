"""One node's page with its charts, and the same as CSV and as numbers for the script."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from device_configs.model import Site
from gateway.alerts.log import Round
from gateway.model import NodeState, Reading, StoredRecord
from gateway.readings import WrongSchema
from gateway.rollup import HOUR_S
from gateway.store.rollups import Made
from gateway.web.cards import Card
from gateway.web.concerns import Concern
from gateway.web.export import csv_lines
from gateway.web.history import RANGES, Hours, Past, Stretch, beside, ranges, stretch
from gateway.web.live import DAY_S, Live, NodeLive
from gateway.web.meter_notes import MeterNote
from gateway.web.rollup_csv import rollup_table
from gateway.web.series import Noted, charts, noted
from gateway.web.sheet import condition, every_figure, groups, rows
from gateway.web.tables import csv_response
from gateway.web.way import NodeCounts
from gateway.web.words import Words

PERIODS = {"hours": HOUR_S, "days": DAY_S}
Render = Callable[..., Response]
History = Callable[[int, int, int], Iterable[StoredRecord]]
# The hours of a node that begin between two times; None where nobody keeps them.
HoursOf = Callable[[int, int, int], Hours | None]
# The same of a period (3600 or 86400 s), with their revisions.
RolledOf = Callable[[int, int, int, int], Sequence[Made] | None]


class NodePage:
    """Routes of a node's page.

    `own` returns what needs attention at a node, `rounds` who was there, `meter` what happened to its meter.
    """

    def __init__(
        self,
        site: Site,
        live: Live,
        render: Render,
        words: Callable[[Request], Words],
        *,
        records: History,
        hours: HoursOf,
        rolled: RolledOf,
        rounds: Callable[[int, int, int], Sequence[Round]],
        meter: Callable[[int], Sequence[MeterNote]],
        card: Callable[[NodeLive, Words], Card],
        own: Callable[[int], Sequence[Concern]],
        counts: Callable[[], Mapping[int, NodeCounts]],
        states: Callable[[], Sequence[NodeState]],
        clock: Callable[[], float],
        frozen: bool = False,
        files: bool = True,
    ) -> None:
        self._site = site
        self._zone = ZoneInfo(site.timezone)
        self._live = live
        self._render = render
        self._words = words
        self._records = records
        self._hours = hours
        self._rolled = rolled
        self._rounds = rounds
        self._meter = meter
        self._card = card
        self._own = own
        self._counts = counts
        self._states = states
        self._clock = clock
        self._frozen = frozen
        self.routes = [
            Route("/node/{node:int}", self._show),
            Route("/node/{node:int}/series.json", self._series),
            *([Route("/node/{node:int}.csv", self._csv)] if files else []),
            *([Route("/node/{node:int}/{period:str}.csv", self._rollups)] if files else []),
        ]

    async def _show(self, request: Request) -> Response:
        node, say, asked = self._asked(request), self._words(request), self._stretch(request)
        id_, now_s = node.place.id, self._clock()
        past = await asyncio.to_thread(self._past, node, asked)
        columns, table = rows(node.place, past, now_s, say)
        states = {state.node: state for state in await asyncio.to_thread(self._states)}
        state = states.get(id_)
        # A copy has no pages but those of the ranges that all places have.
        return self._render(
            request,
            "node.html",
            card=self._card(node, say),
            place=node.place,
            condition=lambda rule: condition(node.place, rule, say),
            figures=every_figure(node, say),
            groups=groups(node.place, past, self._zone, say),
            ranges=list(RANGES) if self._frozen else ranges(node.place),
            stretch=asked,
            beside={} if self._frozen else beside(asked, int(now_s)),
            columns=columns,
            rows=table,
            counts=self._counts().get(id_, NodeCounts()),
            told=json.loads(state.status) if state else {},
            state=state,
            concerns=self._own(id_),
            noted=await asyncio.to_thread(self._noted, id_, asked, say),
        )

    async def _series(self, request: Request) -> Response:
        node, say, asked = self._asked(request), self._words(request), self._stretch(request)

        def made() -> dict[str, object]:
            past = self._past(node, asked)
            notes = self._noted(node.place.id, asked, say)
            return charts(groups(node.place, past, self._zone, say), past, notes, say)

        return JSONResponse(await asyncio.to_thread(made))

    async def _csv(self, request: Request) -> Response:
        node, say, asked = self._asked(request), self._words(request), self._stretch(request)
        name = f"{self._site.id}-{node.place.id}-{asked.name or asked.from_s}.csv"
        until_s = asked.to_s + (DAY_S if asked.name else 0)
        return StreamingResponse(
            csv_lines(node.place, self._stream(node, asked.from_s, until_s), say),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _rollups(self, request: Request) -> Response:
        node, say, asked = self._asked(request), self._words(request), self._stretch(request)
        period = request.path_params["period"]
        if period not in PERIODS:
            raise HTTPException(404)
        found = await asyncio.to_thread(
            self._rolled, PERIODS[period], node.place.id, asked.from_s, asked.to_s
        )
        name = f"{self._site.id}-{node.place.id}-{period}-{asked.name or asked.from_s}.csv"
        return csv_response(name, *rollup_table(node.place, found or (), say), say)

    def _noted(self, node: int, asked: Stretch, say: Words) -> Sequence[Noted]:
        rounds = self._rounds(node, asked.from_s, asked.to_s)
        return noted(rounds, self._meter(node), asked, say)

    def _asked(self, request: Request) -> NodeLive:
        node = self._live.nodes.get(request.path_params["node"])
        if node is None:
            raise HTTPException(404)
        return node

    def _stretch(self, request: Request) -> Stretch:
        place = self._asked(request).place
        return stretch(request.query_params, place, int(self._clock()), self._zone)

    def _past(self, node: NodeLive, asked: Stretch) -> Past:
        """Return what is known of a stretch. One that ends now has what has just come, whatever its clock."""
        from_s, until_s = asked.from_s, asked.to_s + (DAY_S if asked.name else 0)
        hours: Hours = ()
        if asked.by_hours and (found := self._hours(node.place.id, from_s, asked.to_s)):
            hours, from_s = found, found[-1][0] + HOUR_S
        return Past(asked, list(self._stream(node, from_s, until_s)), hours)

    def _stream(
        self, node: NodeLive, from_s: int, to_s: int
    ) -> Iterator[tuple[StoredRecord, Sequence[Reading]]]:
        for record in self._records(node.place.id, from_s, to_s):
            try:
                yield record, self._live.readings(node.place, record)
            except WrongSchema:
                yield record, ()
