"""Answers as InfluxDB 1.x, 2.0, 2.7, 3 Core and VictoriaMetrics do, and fails on order.

`points` holds what was written, by series and time: fields united, the newer value wins. A field keeps the
type it was first written with; a line that brings another, or cannot be read, is a bad line, and what becomes
of the others then is where these servers differ.
"""

import asyncio
import re
from collections import deque
from typing import Any, Literal

from aiohttp import web

Dialect = Literal["1.x", "2.0", "2.7", "3", "vm"]
DIALECTS: tuple[Dialect, ...] = ("1.x", "2.0", "2.7", "3", "vm")
_LINE = re.compile(r"^(?P<series>[^ ]+) (?P<fields>[^ ]+) (?P<time>-?\d+)$")
_RANGE = re.compile(r'FROM "(?P<m>[^"]+)" WHERE time >= (?P<from>\d+)s AND time < (?P<to>\d+)s')
# Orders: an HTTP status, or one of these words.
HANG, SLOW, LOST_REPLY, FORGETFUL = "hang", "slow body", "reply lost after commit", "204, then lost"
Order = int | str


class InfluxDouble:
    """One database of any name. `orders` are obeyed one write at a time, the first first."""

    def __init__(self, dialect: Dialect, *, lines_most: int = 1_000_000) -> None:
        self.dialect = dialect
        self.lines_most = lines_most
        self.orders: deque[Order] = deque()
        self.points: dict[tuple[str, int], dict[str, str]] = {}
        self.writes = 0
        self.sizes: list[int] = []
        self._types: dict[tuple[str, str], str] = {}
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/write", self._write)
        app.router.add_post("/api/v2/write", self._write)
        app.router.add_get("/query", self._query)
        app.router.add_get("/api/v1/query", self._promql)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _write(self, request: web.Request) -> web.StreamResponse:
        lines = (await request.read()).decode().split("\n")
        self.writes += 1
        self.sizes.append(len(lines))
        order = self.orders.popleft() if self.orders else None
        if isinstance(order, int):
            headers = {"Retry-After": "0"} if order in (429, 503) else {}
            return web.json_response({"error": "as ordered"}, status=order, headers=headers)
        if order == HANG:
            await asyncio.sleep(3600)
        if order == SLOW:
            response = web.StreamResponse(status=400)
            await response.prepare(request)
            for _ in range(3600):
                await response.write(b"{")
                await asyncio.sleep(0.05)
        if len(lines) > self.lines_most:
            return web.Response(status=413)
        if order == FORGETFUL:
            kept = dict(self.points)
            self._take(lines)
            forgotten = [key for i, key in enumerate(k for k in self.points if k not in kept) if i % 3 == 0]
            for key in forgotten:
                del self.points[key]
            return web.Response(status=204)
        answer = self._answer(lines)
        if order == LOST_REPLY:
            assert request.transport is not None
            request.transport.close()
        return answer

    def _answer(self, lines: list[str]) -> web.Response:
        unreadable = [line for line in lines if not _LINE.match(line)]
        if unreadable and self.dialect == "1.x":  # measured: one line it cannot parse may reject all
            return web.json_response({"error": f"unable to parse '{unreadable[0]}'"}, status=400)
        if unreadable and self.dialect == "2.7":
            return web.json_response({"code": "invalid", "message": "unable to parse"}, status=400)
        bad = self._take(lines)
        if not bad or self.dialect == "vm":
            return web.Response(status=204)
        n = len(bad)
        if self.dialect == "1.x":
            return web.json_response(
                {"error": f"partial write: field type conflict: input field dropped={n}"}, status=400
            )
        if self.dialect == "2.0":
            return web.json_response(
                {"code": "internal error", "message": f"partial write: field type conflict dropped={n}"},
                status=500,
            )
        if self.dialect == "2.7":
            text = f"failure writing points to database: partial write: field type conflict dropped={n}"
            return web.json_response({"code": "unprocessable entity", "message": text}, status=422)
        data = [{"original_line": line, "line_number": 1, "error_message": "invalid type"} for line in bad]
        return web.json_response(
            {"error": "partial write of line protocol occurred", "data": data}, status=400
        )

    def _take(self, lines: list[str]) -> list[str]:
        """Write the good lines; return the bad ones."""
        bad = []
        for line in lines:
            match = _LINE.match(line)
            if match is None or not self._fits(match["series"], match["fields"]):
                bad.append(line)
                continue
            fields = dict(part.split("=", 1) for part in match["fields"].split(","))
            self.points.setdefault((match["series"], int(match["time"])), {}).update(fields)
        return bad

    def _fits(self, series: str, fields: str) -> bool:
        measurement = series.split(",")[0]
        for part in fields.split(","):
            name, _, value = part.partition("=")
            kind = "integer" if value.endswith("i") else "float"
            if self._types.setdefault((measurement, name), kind) != kind:
                return False
        return True

    async def _query(self, request: web.Request) -> web.StreamResponse:
        asked = _RANGE.search(request.query.get("q", ""))
        if asked is None or self.dialect == "vm":
            return web.json_response({"results": [{}]})
        counted = self._counts(asked["m"], int(asked["from"]), int(asked["to"]))
        series = [
            {"name": asked["m"], "tags": {"node": node}, "columns": ["time", "count"], "values": [[0, count]]}
            for node, count in counted.items()
        ]
        return web.json_response({"results": [{"statement_id": 0, "series": series} if series else {}]})

    async def _promql(self, request: web.Request) -> web.StreamResponse:
        asked = re.match(r'count_over_time\(\{__name__="(.+)_seq"\}\[(\d+)s\]\)', request.query["query"])
        if self.dialect != "vm" or asked is None:
            return web.Response(status=404)
        to_s = int(request.query["time"]) + 1
        counted = self._counts(asked[1], to_s - int(asked[2]), to_s)
        result = [{"metric": {"node": node}, "value": [to_s, str(count)]} for node, count in counted.items()]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    def _counts(self, measurement: str, from_s: int, to_s: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for (series, at_s), fields in self.points.items():
            if series.split(",")[0] == measurement and from_s <= at_s < to_s and "seq" in fields:
                node = dict(tag.split("=") for tag in series.split(",")[1:])["node"]
                found[node] = found.get(node, 0) + 1
        return found


def identities(double: InfluxDouble) -> list[tuple[Any, ...]]:
    """Return (node, seq, time) of every point, in order."""
    found = []
    for (series, at_s), fields in double.points.items():
        node = dict(tag.split("=") for tag in series.split(",")[1:])["node"]
        found.append((int(node), int(fields["seq"].rstrip("i")), at_s))
    return sorted(found)
