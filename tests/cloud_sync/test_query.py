"""What is read back is complete and told apart; odd names make it through real servers."""

import gzip

import pytest

from cloud_sync.influx import Connection, V1Writer, V2Writer
from cloud_sync.query import QueryError, points
from cloud_sync.verdict import Ok
from gateway.model import Reading
from tests.cloud_sync.doubles import START_S, encode, line, record
from tools.servers import InfluxDB, VictoriaMetrics

pytestmark = pytest.mark.servers
MANY = 12_000  # more than one chunk of InfluxDB's answer


async def test_influxdb_returns_all_points_in_order(influxdb: InfluxDB, database: str) -> None:
    records = [record(n, node=11 + n % 2, depth=None if n % 3 == 0 else n) for n in range(1, MANY + 1)]
    writer = V1Writer(Connection(influxdb.url), database)
    assert await writer.write(gzip.compress("\n".join(map(encode, records)).encode())) == Ok()
    await writer.close()
    found = await points(influxdb.url, "v1", database, "snow")
    expected = {(r.node, r.epoch, r.seq, r.measured_at_s, r.values[0]) for r in records}
    assert {(p["node"], p["epoch"], p["seq"], p["time_s"], p.get("depth_mm")) for p in found} == expected
    assert len(found) == MANY
    assert found == sorted(found, key=lambda p: (p["node"], p["time_s"]))


async def test_victoria_metrics_returns_each_node_by_itself(victoria_metrics: VictoriaMetrics) -> None:
    records = [record(n, node=node, measured_at_s=START_S + n) for n in range(1, 50) for node in (11, 12)]
    lines = [encode(r).replace("snow,", "snowquery,", 1) for r in records]
    lines.append(encode(record(1)).replace("snow,", "snowqueryother,", 1))
    writer = V2Writer(Connection(victoria_metrics.url), "any")
    assert await writer.write(gzip.compress("\n".join(lines).encode())) == Ok()
    await writer.close()
    found = await points(victoria_metrics.url, "v2", "any", "snowquery")
    assert [(p["node"], p["seq"], p["epoch"], p["site"]) for p in found] == [
        (node, n - 1, 0x12345678, "demo") for node in (11, 12) for n in range(1, 50)
    ]


@pytest.mark.parametrize("name", ["a b", "a,b=c", 'Håkvik "øvre"', "æ ø å, 100 %", "-x", "a=", "日本"])
async def test_odd_names_come_back_from_influxdb(influxdb: InfluxDB, database: str, name: str) -> None:
    writer = V1Writer(Connection(influxdb.url), database)
    text = line(record(1), name, "snow", [Reading(name, 5, "1", 1, 0)])
    assert await writer.write(gzip.compress(text.encode())) == Ok()
    await writer.close()
    (point,) = await points(influxdb.url, "v1", database, "snow")
    assert (point["site"], point[name], point["node"]) == (name, 5, 11)


@pytest.mark.parametrize("name", ["a b", "a,b=c", 'Håkvik "øvre"', "æ ø å, 100 %"])
async def test_odd_names_come_back_from_victoria_metrics(
    victoria_metrics: VictoriaMetrics, name: str
) -> None:
    writer = V2Writer(Connection(victoria_metrics.url), "any")
    measurement = f"odd{sum(map(ord, name))}"
    text = line(record(1), name, measurement, [Reading(name, 5, "1", 1, 0)])
    assert await writer.write(gzip.compress(text.encode())) == Ok()
    await writer.close()
    (point,) = await points(victoria_metrics.url, "v2", "any", measurement)
    assert (point["site"], point[name], point["node"]) == (name, 5, 11)


async def test_an_error_is_told(influxdb: InfluxDB) -> None:
    with pytest.raises(QueryError, match="database not found"):
        await points(influxdb.url, "v1", "no such database", "snow")


async def test_nothing_is_nothing(
    influxdb: InfluxDB, victoria_metrics: VictoriaMetrics, database: str
) -> None:
    writer = V1Writer(Connection(influxdb.url), database)
    assert await writer.write(gzip.compress(encode(record(1)).encode())) == Ok()
    await writer.close()
    assert await points(influxdb.url, "v1", database, "rain") == []
    assert await points(victoria_metrics.url, "v2", "any", "rain") == []
