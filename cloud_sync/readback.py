"""Counts read back from the server: a 204 is a promise, and some servers forget it.

Asked in InfluxQL (1.x, 2.x, 3) or PromQL (VictoriaMetrics). A server that answers in neither way, or a token
that may only write, is no trouble: it is said so, and nothing is sent again.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp

from cloud_sync.influx import Account, credentials, trust

_ANSWER_LIMIT = 32 << 20


class Unanswered(Exception):
    """The server does not say how many points it has; the text says why."""


async def counts(account: Account, measurements: Iterable[str], from_s: int, to_s: int) -> dict[int, int]:
    """Return how many points of each node, measured in from_s <= t < to_s, the server has.

    Raises Unanswered; aiohttp.ClientError, OSError and TimeoutError where it cannot be reached.
    """
    header = credentials(account.api, account.name, account.secret)
    async with aiohttp.ClientSession(
        headers={"Authorization": header} if header else None,
        connector=aiohttp.TCPConnector(ssl=trust(account.to)),
        timeout=aiohttp.ClientTimeout(total=account.to.deadline_s),
    ) as session:
        found: dict[int, int] = {}
        for measurement in measurements:
            if account.api == "v2":
                try:
                    some = await _in_promql(session, account, measurement, from_s, to_s)
                except Unanswered:
                    some = await _in_influxql(session, account, measurement, from_s, to_s)
            else:
                some = await _in_influxql(session, account, measurement, from_s, to_s)
            for node, count in some.items():
                found[node] = found.get(node, 0) + count
        return found


async def _in_influxql(
    session: aiohttp.ClientSession, account: Account, measurement: str, from_s: int, to_s: int
) -> dict[int, int]:
    name = measurement.replace("\\", "\\\\").replace('"', '\\"')
    q = f'SELECT count("seq") FROM "{name}" WHERE time >= {from_s}s AND time < {to_s}s GROUP BY "node"'  # noqa: S608
    answer = await _get(session, account, "/query", {"db": account.database, "q": q})
    try:
        (result,) = answer["results"]
        if "error" in result:
            raise Unanswered(str(result["error"]))
        return {int(s["tags"]["node"]): int(s["values"][0][1]) for s in result.get("series", ())}
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unanswered(f"not an answer in InfluxQL: {str(answer)[:200]}") from error


async def _in_promql(
    session: aiohttp.ClientSession, account: Account, measurement: str, from_s: int, to_s: int
) -> dict[int, int]:
    query = f"count_over_time({{__name__={json.dumps(measurement + '_seq')}}}[{to_s - from_s}s])"
    answer = await _get(
        session, account, "/api/v1/query", {"query": query, "time": str(to_s - 1), "nocache": "1"}
    )
    try:
        if answer["status"] != "success":
            raise Unanswered(str(answer.get("error")))
        return {int(one["metric"]["node"]): int(float(one["value"][1])) for one in answer["data"]["result"]}
    except (KeyError, TypeError, ValueError) as error:
        raise Unanswered(f"not an answer in PromQL: {str(answer)[:200]}") from error


async def _get(
    session: aiohttp.ClientSession, account: Account, path: str, query: Mapping[str, str]
) -> dict[str, Any]:
    url = account.to.url.rstrip("/") + path
    async with session.get(url, params=query, proxy=account.to.proxy, allow_redirects=False) as answer:
        body = await answer.content.read(_ANSWER_LIMIT)
        if answer.status != 200:
            raise Unanswered(f"status {answer.status}")
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Unanswered("not an answer in JSON") from error
    if not isinstance(found, dict):
        raise Unanswered("not an answer")
    return found
