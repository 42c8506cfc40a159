"""Writes gzipped line protocol to a server and says what became of it: one request, one verdict, no retries.

V2Writer speaks the v2 API (InfluxDB 1.8+, 2.x, 3.x, Cloud, VictoriaMetrics), V1Writer that of InfluxDB 1.x.
"""

import asyncio
import base64
import json
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from cloud_sync.verdict import Hold, Later, Ok, Verdict, judge

Api = Literal["v1", "v2"]

_ANSWER_LIMIT = 16_384  # bytes read of an answer's body: enough for any reason


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the server. `ca_file` (PEM) replaces the system's certificate authorities."""

    url: str
    deadline_s: float = 30.0  # for a whole request: connecting, sending and the answer
    proxy: str | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not the address of a server: {self.url!r}; it looks like http://host:8086")

    @property
    def shown(self) -> str:
        """The address without user or password."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@dataclass(frozen=True, slots=True)
class Account:
    """Who writes, and reads back, where. `database` is the bucket for "v2".

    `name` and `secret` are user and password for "v1", organisation and token for "v2".
    """

    to: Connection
    api: Api
    database: str
    name: str | None = None
    secret: str | None = field(default=None, repr=False)


class Writer(Protocol):
    """Takes gzipped line protocol with times in seconds."""

    async def write(self, body: bytes) -> Verdict: ...

    async def close(self) -> None: ...


class V2Writer:
    """POST /api/v2/write by influxdb-client. Make it in a coroutine. VictoriaMetrics takes any bucket."""

    def __init__(self, to: Connection, bucket: str, *, org: str = "", token: str | None = None) -> None:
        self._deadline_s = to.deadline_s
        self._bucket = bucket
        self._org = org
        # A redirected POST becomes a GET, whose answer would prove nothing: redirects are not followed.
        self._client: Any = InfluxDBClientAsync(
            url=to.url,
            token=token or "",
            org=org,
            timeout=round(to.deadline_s * 1000),
            proxy=to.proxy,
            ssl_ca_cert=str(to.ca_file) if to.ca_file else None,
            allow_redirects=False,
        )
        self._service: Any = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]

    async def write(self, body: bytes) -> Verdict:
        headers: Any
        try:
            async with asyncio.timeout(self._deadline_s):
                # The client's own write() neither marks a gzipped body as such nor leaves it alone.
                _, status, headers = await self._service.post_write_async(
                    org=self._org,
                    bucket=self._bucket,
                    body=body,
                    precision="s",
                    content_encoding="gzip",
                    _return_http_data_only=False,
                )
        except ApiException as error:
            text, headers = _text(error.body) or str(error.reason or ""), error.headers or {}
            return judge(error.status, text, retry_after=headers.get("Retry-After"), now_s=time.time())
        except (aiohttp.ClientError, OSError) as error:
            return _unreached(error, self._deadline_s)
        return judge(status, "", retry_after=headers.get("Retry-After"), now_s=time.time())

    async def close(self) -> None:
        await self._client.close()


class V1Writer:
    """POST /write of InfluxDB 1.x. Creates the database when the server says that there is none."""

    def __init__(
        self, to: Connection, database: str, *, user: str | None = None, password: str | None = None
    ) -> None:
        self._to = to
        self._database = database
        self._base = to.url.rstrip("/")
        header = credentials("v1", user, password)
        self._session = aiohttp.ClientSession(
            headers={"Authorization": header} if header else None,
            connector=aiohttp.TCPConnector(ssl=trust(to)),
            timeout=aiohttp.ClientTimeout(total=to.deadline_s),
        )

    async def write(self, body: bytes) -> Verdict:
        try:
            async with asyncio.timeout(self._to.deadline_s):
                verdict = await self._write(body)
                if isinstance(verdict, Hold) and "database not found" in verdict.reason:
                    failure = await self._create_database()
                    return failure or await self._write(body)
                return verdict
        except (aiohttp.ClientError, OSError) as error:
            return _unreached(error, self._to.deadline_s)

    async def close(self) -> None:
        await self._session.close()

    async def _write(self, body: bytes) -> Verdict:
        status, text, headers = await self._post(
            "/write", {"db": self._database, "precision": "s"}, body, {"Content-Encoding": "gzip"}
        )
        return judge(status, text, retry_after=headers.get("Retry-After"), now_s=time.time())

    async def _create_database(self) -> Verdict | None:
        """Return None when it exists now, else why not."""
        name = self._database.replace("\\", "\\\\").replace('"', '\\"')
        status, text, _ = await self._post("/query", {"q": f'CREATE DATABASE "{name}"'}, b"", {})
        if status != 200:
            verdict = judge(status, text)
            return verdict if not isinstance(verdict, Ok) else Hold(status, "no answer to CREATE DATABASE")
        # The status precedes the execution; what went wrong is in the body.
        try:
            results = json.loads(text)["results"]
        except (ValueError, LookupError, TypeError):
            return Hold(status, f"the answer to CREATE DATABASE is not InfluxDB's: {text[:200]}")
        errors = [r["error"] for r in results if "error" in r]
        return Hold(status, f"cannot create database {self._database!r}: {errors[0]}") if errors else None

    async def _post(
        self, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]
    ) -> tuple[int, str, Any]:
        async with self._session.post(
            self._base + path,
            params=query,
            data=body,
            headers=headers,
            proxy=self._to.proxy,
            allow_redirects=False,  # a redirected POST becomes a GET, whose answer proves nothing
        ) as answer:
            text = b""
            while part := await answer.content.read(_ANSWER_LIMIT - len(text)):
                text += part
            return answer.status, _text(text), answer.headers


def writer_for(account: Account) -> Writer:
    """Return the writer for an account. Make it in a coroutine. Raises OSError where `ca_file` is no good."""
    to, database, name, secret = account.to, account.database, account.name, account.secret
    if account.api == "v1":
        return V1Writer(to, database, user=name, password=secret)
    return V2Writer(to, database, org=name or "", token=secret)


def _unreached(error: Exception, deadline_s: float) -> Verdict:
    if isinstance(error, TimeoutError):
        return Later(None, f"no answer within {deadline_s:g} s", timed_out=True)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Hold(0, f"the server's certificate is not trusted: {error.certificate_error}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return judge(error.status, f"the proxy refuses: {error.message}")
    return Later(None, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def credentials(api: Api, name: str | None, secret: str | None) -> str | None:
    """Return the Authorization header: user and password for "v1", the token for "v2"; None for nobody."""
    if api == "v2":
        return f"Token {secret}" if secret else None
    return "Basic " + base64.b64encode(f"{name}:{secret or ''}".encode()).decode() if name else None


def trust(to: Connection) -> ssl.SSLContext | bool:
    """Return whom to trust, as aiohttp wants it told. Raises OSError where `ca_file` is no good."""
    return ssl.create_default_context(cafile=to.ca_file) if to.url.startswith("https:") else True


def _text(body: object) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
