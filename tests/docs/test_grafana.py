"""Every query of the region's dashboard finds, in a real InfluxDB, the points that sync writes."""

import asyncio
import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cloud_sync.influx import Connection, V1Writer
from cloud_sync.line_protocol import encoder
from cloud_sync.verdict import Ok
from device_configs.loader import SITES, load_site
from gateway.store import stretches_of
from tests.cloud_sync.doubles import record
from tools.servers import InfluxDB

DASHBOARD = json.loads((Path(__file__).parents[2] / "docs/grafana/region.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An InfluxDB with some hours of every node of the demonstration site."""
    site = load_site(SITES / "narvik-demo")
    encode = encoder(site)
    now_s = int(time.time())
    records = [
        replace(
            record(i + 1),
            node=node.id,
            schema_id=node.profile.schema_id,
            values=tuple(9000 + 10 * i + n for n in range(len(node.profile.channels))),
            quality=(2 if i % 10 == 0 else 0,) * len(node.profile.channels),
            measured_at_s=now_s - 600 * (i + 1),
        )
        for node in site.nodes
        for i in range(30)
    ]
    lines = [line for stretch in stretches_of(records) for line in encode(stretch)]
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        asyncio.run(write(server.url, lines))
        yield server.url


async def write(url: str, lines: list[str]) -> None:
    writer = V1Writer(Connection(url), "region")
    assert await writer.write(gzip.compress("\n".join(lines).encode())) == Ok()
    await writer.close()


async def ask(url: str, query: str) -> list[dict[str, Any]]:
    """As Grafana puts its variables in."""
    for name, value in {"$site": ".*", "$timeFilter": "time > now() - 7d", "$__interval": "1h"}.items():
        query = query.replace(name, value)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/query", params={"db": "region", "q": query}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        (result,) = (await answer.json())["results"]
    assert "error" not in result, result
    series: list[dict[str, Any]] = result.get("series", [])
    return series


@pytest.mark.servers
@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
async def test_every_panel_shows_something(url: str, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        series = await ask(url, target["query"])
        assert series
        assert all(one["values"] for one in series)


@pytest.mark.servers
async def test_the_municipalities_are_listed(url: str) -> None:
    (variable,) = [v for v in DASHBOARD["templating"]["list"] if v["name"] == "site"]
    series = await ask(url, variable["query"])
    assert {value for one in series for _, value in one["values"]} == {"narvik-demo"}


def test_panels_do_not_lie_on_one_another() -> None:
    cells = [
        (x, y)
        for panel in PANELS
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
