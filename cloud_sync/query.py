"""Reads points back, to compare what a server holds with what was stored."""

import json
from typing import Any, Literal

import aiohttp


class QueryError(RuntimeError):
    """The server did not answer a query as it should."""


async def points(
    url: str, api: Literal["v1", "v2"], database: str, measurement: str, node: int | None = None
) -> list[dict[str, int | float | str]]:
    """Return every point of a measurement, or of one node in it: its tags, its fields and `time_s` (unix),
    by node and time.

    `node` is an integer, absent fields are left out. "v1" asks InfluxDB 1.x in InfluxQL; "v2" asks
    VictoriaMetrics, which has neither databases nor measurements: it knows `<measurement>_<field>`, so the
    name of a measurement must not begin another's, and its numbers are floats (written as int where whole).
    Raises QueryError; aiohttp.ClientError and TimeoutError where it cannot be reached.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        rows = (
            await _from_influxdb(session, url, database, measurement, node)
            if api == "v1"
            else await _from_victoria_metrics(session, url, measurement, node)
        )
    for row in rows:
        row["node"] = int(row["node"])
    return sorted(rows, key=lambda row: (row["node"], row["time_s"]))


async def _from_influxdb(
    session: aiohttp.ClientSession, url: str, database: str, measurement: str, node: int | None
) -> list[dict[str, Any]]:
    name = measurement.replace("\\", "\\\\").replace('"', '\\"')
    where = "" if node is None else f" WHERE node = '{node:d}'"
    query = {"db": database, "epoch": "s", "chunked": "true", "q": f'SELECT * FROM "{name}"{where}'}  # noqa: S608
    rows: list[dict[str, Any]] = []
    for answer in await _json_lines(session, f"{url}/query", query):
        for result in answer.get("results", ()):
            if "error" in result:
                raise QueryError(f"InfluxDB: {result['error']}")
            for series in result.get("series", ()):
                columns = ["time_s", *series["columns"][1:]]
                for values in series["values"]:
                    row = zip(columns, values, strict=True)
                    rows.append({key: value for key, value in row if value is not None})
    return rows


async def _from_victoria_metrics(
    session: aiohttp.ClientSession, url: str, measurement: str, node: int | None
) -> list[dict[str, Any]]:
    # What was written within the last second is not yet visible to queries otherwise.
    async with session.get(f"{url}/internal/force_flush") as answer:
        await answer.read()
    prefix = f"{measurement}_"
    quoted = json.dumps("^" + "".join(c if c.isalnum() or c == "_" else f"\\{c}" for c in prefix) + ".+")
    of_node = "" if node is None else f',node="{node:d}"'
    query = {"match[]": f"{{__name__=~{quoted}{of_node}}}", "start": "0"}
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    for series in await _json_lines(session, f"{url}/api/v1/export", query):
        tags = dict(series["metric"])
        field = tags.pop("__name__").removeprefix(prefix)
        for value, time_ms in zip(series["values"], series["timestamps"], strict=True):
            row = rows.setdefault((*sorted(tags.items()), time_ms), {**tags, "time_s": time_ms // 1000})
            row[field] = int(value) if value == int(value) else value
    return list(rows.values())


async def _json_lines(session: aiohttp.ClientSession, url: str, query: dict[str, str]) -> list[Any]:
    async with session.get(url, params=query) as answer:
        body = await answer.read()
        if answer.status != 200:
            raise QueryError(f"{url}: status {answer.status}: {body[:300].decode('utf-8', 'replace')}")
    return [json.loads(line) for line in body.splitlines() if line.strip()]
