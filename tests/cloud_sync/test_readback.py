"""Counts from real servers."""

import gzip

import aiohttp
import pytest

from cloud_sync.influx import Account, Connection, V1Writer, V2Writer
from cloud_sync.readback import counts
from cloud_sync.verdict import Ok
from tests.cloud_sync.doubles import START_S, encode, record
from tools.servers import InfluxDB, VictoriaMetrics

pytestmark = pytest.mark.servers
LINES = [encode(record(n, node=node)) for n in range(1, 50) for node in (11, 12)][:-1]


async def test_influxdb(influxdb: InfluxDB, database: str) -> None:
    writer = V1Writer(Connection(influxdb.url), database)
    assert await writer.write(gzip.compress("\n".join(LINES).encode())) == Ok()
    await writer.close()
    account = Account(Connection(influxdb.url), "v1", database)
    assert await counts(account, ["snow", "intake"], START_S + 1, START_S + 50) == {11: 49, 12: 48}
    assert await counts(account, ["snow"], START_S + 10, START_S + 20) == {11: 10, 12: 10}
    assert await counts(account, ["snow"], 0, START_S) == {}


async def test_victoria_metrics(victoria_metrics: VictoriaMetrics) -> None:
    writer = V2Writer(Connection(victoria_metrics.url), "any")
    text = "\n".join(line.replace("snow,", "snowreadback,", 1) for line in LINES)
    assert await writer.write(gzip.compress(text.encode())) == Ok()
    await writer.close()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{victoria_metrics.url}/internal/force_flush") as answer,
    ):
        assert answer.status == 200
    account = Account(Connection(victoria_metrics.url), "v2", "any")
    assert await counts(account, ["snowreadback"], START_S + 1, START_S + 50) == {11: 49, 12: 48}
    assert await counts(account, ["snowreadback"], START_S + 10, START_S + 20) == {11: 10, 12: 10}
