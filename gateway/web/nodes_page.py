"""The nodes' page for technicians, its CSV, and a sheet of one node to print and leave at the place."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.ledger import TARGET_PERCENT
from gateway.model import NodeState
from gateway.web.battery import Days, Left, left
from gateway.web.fleet import Row, fleet
from gateway.web.live import Live
from gateway.web.tables import csv_response
from gateway.web.way import NodeCounts
from gateway.web.words import Words

Render = Callable[..., Response]


class NodesPages:
    """Routes of these pages. `counts` returns what became of each node's records."""

    def __init__(
        self,
        live: Live,
        render: Render,
        words: Callable[[Request], Words],
        *,
        counts: Callable[[], Mapping[int, NodeCounts]],
        states: Callable[[], Sequence[NodeState]],
        captures: Callable[[], Mapping[int, float]] = dict,
        voltages: Callable[[], Mapping[int, Days]] = dict,
        clock: Callable[[], float],
        spreading_factor: int | None = None,
        site_id: str = "",
    ) -> None:
        self._live = live
        self._render = render
        self._words = words
        self._counts = counts
        self._states = states
        self._captures = captures
        self._voltages = voltages
        self._clock = clock
        self._spreading_factor = spreading_factor
        self._site_id = site_id
        self.routes = [
            Route("/nodes", self._table),
            Route("/nodes.csv", self._csv),
            Route("/nodes/{node:int}/sheet", self._sheet),
        ]

    async def _rows(self) -> list[Row]:
        states = await asyncio.to_thread(self._states)
        nodes = self._live.nodes.values()
        return fleet(nodes, self._counts(), states, self._clock(), self._spreading_factor)

    async def _left(self, rows: Sequence[Row]) -> dict[int, Left | None]:
        """Return how long the batteries will last, by node."""
        days, now_s = await asyncio.to_thread(self._voltages), self._clock()
        places = [(row.node.place, row.counts.measured) for row in rows]
        return {place.id: left(place, measured, days.get(place.id, ()), now_s) for place, measured in places}

    async def _table(self, request: Request) -> Response:
        captures = await asyncio.to_thread(self._captures)
        rows = await self._rows()
        return self._render(
            request,
            "nodes.html",
            rows=rows,
            captures=captures,
            left=await self._left(rows),
            target=TARGET_PERCENT,
        )

    async def _sheet(self, request: Request) -> Response:
        wanted = request.path_params["node"]
        for row in await self._rows():
            if row.node.place.id == wanted:
                return self._render(request, "node_sheet.html", row=row, place=row.node.place)
        raise HTTPException(404)

    async def _csv(self, request: Request) -> Response:
        say = self._words(request)
        header = [
            "node", "name", "state", "battery_mv", "link_margin_db", "last_record_utc", "waiting", "measured",
            "stored", "lost", "firmware", "config", "boots", "boot_cause", "do_next", "receivers",
            "capture_percent", "battery_years_low", "battery_years_high",
            "on_shelf_since_utc",
        ]  # fmt: skip
        captures, rows = await asyncio.to_thread(self._captures), await self._rows()
        years = await self._left(rows)
        lines = [
            [
                row.node.place.id, row.node.place.node.name, say(f"fleet.{row.trouble}"),
                row.battery.mv if row.battery else None, row.margin_db,
                say.utc(row.node.last.measured_at_s) if row.node.last else None, row.waiting,
                row.counts.measured, row.counts.stored, row.counts.lost, row.firmware, row.config, row.boots,
                row.boot_cause, say(f"fleet.{row.trouble}.do"),
                " | ".join(
                    f"{h.receiver} {h.rssi_dbm} dBm SNR {h.snr_db:g} dB SF{h.spreading_factor}"
                    for h in (link.heard for link in row.links)
                ),
                captures.get(row.node.place.id),
                round(span.low, 2) if (span := years[row.node.place.id]) else None,
                round(span.high, 2) if span else None,
                say.utc(row.node.on_shelf_s) if row.node.on_shelf_s else None,
            ]
            for row in rows
        ]  # fmt: skip
        return csv_response(f"{self._site_id}-nodes.csv", header, lines, say)
