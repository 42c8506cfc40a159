"""Both writers against real servers and against one that misbehaves."""

import asyncio
import gzip
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from cloud_sync.influx import Account, Api, Connection, Writer, writer_for
from cloud_sync.query import points
from cloud_sync.verdict import Hold, Later, Ok, Refused, TooLarge
from tests.cloud_sync.doubles import START_S, FaultServer, answering, encode, record
from tools.servers import HOST, InfluxDB, VictoriaMetrics, free_port

pytestmark = pytest.mark.servers
BODY = gzip.compress("\n".join(encode(record(n)) for n in (1, 2, 3)).encode())


@asynccontextmanager
async def writer(
    api: Api,
    url: str,
    database: str = "town",
    *,
    deadline_s: float = 5.0,
    name: str | None = None,
    secret: str | None = None,
    proxy: str | None = None,
    ca_file: Path | None = None,
) -> AsyncIterator[Writer]:
    to = Connection(url, deadline_s=deadline_s, proxy=proxy, ca_file=ca_file)
    made = writer_for(Account(to, api, database, name, secret))
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_v1_creates_its_database_and_writes(influxdb: InfluxDB, database: str) -> None:
    async with writer("v1", influxdb.url, database) as to:
        assert await to.write(BODY) == Ok()
    found = await points(influxdb.url, "v1", database, "snow")
    assert found == [
        {
            "node": 11,
            "site": "demo",
            "time_s": START_S + n,
            "seq": n - 1,
            "q": 0,
            "epoch": 0x12345678,
            "depth_mm": 512,
            "air_temp_cc": -150,
        }
        for n in (1, 2, 3)
    ]


async def test_v2_writes_to_victoria_metrics(victoria_metrics: VictoriaMetrics) -> None:
    lines = "\n".join(encode(record(n)).replace("snow,", "snowinflux,") for n in (1, 2, 3))
    async with writer("v2", victoria_metrics.url) as to:
        assert await to.write(gzip.compress(lines.encode())) == Ok()
        assert await to.write(gzip.compress(lines.encode())) == Ok()
    found = await points(victoria_metrics.url, "v2", "", "snowinflux")
    assert [(p["time_s"], p["seq"], p["depth_mm"], p["air_temp_cc"]) for p in found] == [
        (START_S + n, n - 1, 512, -150) for n in (1, 2, 3)
    ]


async def test_a_type_conflict_is_refused_with_the_servers_reason(influxdb: InfluxDB, database: str) -> None:
    async with writer("v1", influxdb.url, database) as to:
        assert await to.write(BODY) == Ok()
        verdict = await to.write(gzip.compress(b"snow,node=11,site=demo depth_mm=1.5 1700000009"))
    assert isinstance(verdict, Refused)
    assert verdict.status == 400
    assert "field type conflict" in verdict.reason


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        (204, Ok),
        (200, Hold),
        (302, Hold),
        (400, Refused),
        (401, Hold),
        (404, Hold),
        (413, TooLarge),
        (500, Later),
    ],
)
async def test_answers(faults: FaultServer, api: Api, status: int, meant: type[object]) -> None:
    faults.fault = answering(status, '{"error": "because"}', {"Location": "/elsewhere/write"})
    async with writer(api, faults.url) as to:
        verdict = await to.write(BODY)
    assert type(verdict) is meant
    assert status < 300 or "because" in getattr(verdict, "reason", "")
    assert len(faults.bodies) == 1  # no redirect was followed, nothing was repeated
    assert faults.bodies[0] == gzip.decompress(BODY)


async def test_retry_after_is_passed_on(faults: FaultServer, api: Api) -> None:
    faults.fault = answering(429, "", {"Retry-After": "17"})
    async with writer(api, faults.url) as to:
        verdict = await to.write(BODY)
    assert isinstance(verdict, Later)
    assert verdict.after_s == 17


async def test_a_hanging_server_meets_the_deadline(faults: FaultServer, api: Api) -> None:
    async def hang(_: web.Request, __: bytes) -> web.StreamResponse | None:
        await asyncio.sleep(30)
        return None

    faults.fault = hang
    async with writer(api, faults.url, deadline_s=0.1) as to:
        verdict = await to.write(BODY)
    assert verdict == Later(None, "no answer within 0.1 s", timed_out=True)


async def test_a_trickling_answer_meets_the_deadline(faults: FaultServer, api: Api) -> None:
    async def trickle(request: web.Request, _: bytes) -> web.StreamResponse:
        response = web.StreamResponse(status=400)
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.01)

    faults.fault = trickle
    async with writer(api, faults.url, deadline_s=0.2) as to:
        verdict = await to.write(BODY)
    assert isinstance(verdict, Later)
    assert verdict.timed_out


async def test_nobody_there(api: Api) -> None:
    async with writer(api, f"http://{HOST}:{free_port()}") as to:
        verdict = await to.write(BODY)
    assert isinstance(verdict, Later)
    assert "Connect" in verdict.reason


async def test_credentials_are_sent(faults: FaultServer, api: Api) -> None:
    seen = []

    async def look(request: web.Request, _: bytes) -> web.StreamResponse:
        seen.append((request.headers.get("Authorization"), dict(request.query)))
        return web.Response(status=204)

    faults.fault = look
    async with writer(api, faults.url, name="town", secret="s3cret") as to:
        await to.write(BODY)
    if api == "v1":
        assert seen == [("Basic dG93bjpzM2NyZXQ=", {"db": "town", "precision": "s"})]
    else:
        assert seen == [("Token s3cret", {"org": "town", "bucket": "town", "precision": "s"})]


async def test_a_database_that_cannot_be_created_holds(faults: FaultServer) -> None:
    faults.fault = answering(404, '{"error":"database not found: \\"town\\""}')

    async def refuse(request: web.Request, body: bytes) -> tuple[int, bytes, str]:
        return 200, b'{"results":[{"statement_id":0,"error":"not enough rights"}]}', "application/json"

    faults.forward = refuse  # type: ignore[method-assign]
    async with writer("v1", faults.url) as to:
        verdict = await to.write(BODY)
    assert isinstance(verdict, Hold)
    assert "not enough rights" in verdict.reason


async def test_a_proxy_is_used(faults: FaultServer, influxdb: InfluxDB, database: str) -> None:
    # The fault server takes the request for InfluxDB and passes it on, as a forward proxy does.
    faults.target = ""
    seen = []
    passed_on = faults.forward

    async def forward(request: web.Request, body: bytes) -> tuple[int, bytes, str]:
        seen.append(request.raw_path)
        faults.target = influxdb.url
        return await passed_on(request, body)

    faults.forward = forward  # type: ignore[method-assign]
    async with writer("v1", influxdb.url, database, proxy=faults.url) as to:
        assert await to.write(BODY) == Ok()
    assert seen
    assert len(await points(influxdb.url, "v1", database, "snow")) == 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    key, pem = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True)
    return pem, key


async def test_an_own_certificate_authority(certificate: tuple[Path, Path], api: Api) -> None:
    pem, key = certificate

    async def take(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    await web.TCPSite(runner, HOST, 0, ssl_context=context).start()
    url = f"https://{HOST}:{runner.addresses[0][1]}"
    try:
        async with writer(api, url) as to:
            verdict = await to.write(BODY)
            assert isinstance(verdict, Hold)
            assert "certificate" in verdict.reason
        async with writer(api, url, ca_file=pem) as to:
            assert await to.write(BODY) == Ok()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("url", ["", "influx:8086", "ftp://host", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="looks like http"):
        Connection(url)


def test_an_address_is_shown_without_its_password() -> None:
    assert Connection("http://user:secret@host:8086/x").shown == "http://host:8086/x"
