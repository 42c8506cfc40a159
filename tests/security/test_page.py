"""Attacks on the page: each is refused or cut short, and neither the page nor ingest notices."""

import asyncio
import socket
import time
from contextlib import suppress

import pytest

from tests.security.attacked import Attacked
from tools.servers import HOST

pytestmark = pytest.mark.servers
SLOW_CLOSED_S = 120.0  # the page's own limit is far below
WITHIN_S = 60.0


def raw(attacked: Attacked, request: bytes, *, within_s: float = WITHIN_S) -> bytes:
    """Send bytes as they are; return the answer until the connection ends or rests."""
    answer = b""
    with socket.create_connection((HOST, attacked.page_port), timeout=within_s) as connection:
        with suppress(ConnectionError):
            connection.sendall(request)
        with suppress(TimeoutError, ConnectionError):
            while part := connection.recv(65536):
                answer += part
                connection.settimeout(1.0)
    return answer


def status(answer: bytes) -> int:
    """Return the status of an HTTP answer; 0 where the connection was just closed."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def get(path: str, host: str = "127.0.0.1", more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n".encode()


async def test_an_honest_request_is_answered(attacked: Attacked) -> None:
    assert status(raw(attacked, get("/"))) == 200
    await attacked.goes_on()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost:80@evil.example", "", "[::1", "127.0.0.1:x"]
)
async def test_another_name_is_refused(attacked: Attacked, host: str) -> None:
    assert status(await asyncio.to_thread(raw, attacked, get("/", host))) in (400, 421)
    await attacked.goes_on()


async def test_two_names_or_none_are_refused(attacked: Attacked) -> None:
    for request in (get("/", more="Host: evil.example\r\n"), b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"):
        assert status(await asyncio.to_thread(raw, attacked, request)) in (400, 421)
    await attacked.goes_on()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2fetc/passwd",
        "/static/%2e%2e/%2e%2e/server.py",
        "/static/....//....//etc/passwd",
        "/static//etc/passwd",
        "/static/%00",
        "/static/page.js%00.css",
        "/nodes/../../keys.json",
        "/nodes/99999999999999999999",
        "/nodes/-1",
        "/keys.json",
        "/" + "a" * 20_000,
        "http://evil.example/",
        "/static/\\..\\..\\keys.json",
    ],
)
async def test_a_path_leads_to_nothing_but_the_page(attacked: Attacked, path: str) -> None:
    answer = await asyncio.to_thread(raw, attacked, get(path))
    assert status(answer) in (0, 307, 400, 404, 421), answer[:200]
    for secret in (b"root:", b"import asyncio", b'"nodes"', b"Traceback", str(attacked.places.data).encode()):
        assert secret not in answer
    await attacked.goes_on()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_nothing_can_be_changed_from_a_browser(attacked: Attacked, method: str) -> None:
    request = (
        f"{method} / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n"
    )
    answer = raw(attacked, request.encode() + b"Connection: close\r\n\r\n")
    assert status(answer) in (400, 403, 405)
    assert b"access-control-allow-origin" not in answer.lower()


async def test_a_body_is_not_read(attacked: Attacked) -> None:
    began = time.monotonic()
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n"
    answer = await asyncio.to_thread(raw, attacked, head + b"x" * (8 << 20))
    assert status(answer) in (0, 403, 405, 413)
    assert time.monotonic() - began < SLOW_CLOSED_S
    await attacked.goes_on()


@pytest.mark.parametrize(
    "headers",
    [
        "X: " + "a" * (1 << 20) + "\r\n",
        "".join(f"X-{i}: {i}\r\n" for i in range(20_000)),
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: -1\r\n",
        "X : y\r\n",
        "Cookie: " + ";".join(f"a{i}=b" for i in range(1000)) + "\r\n",
        "Accept-Language: " + ",".join(["nb;q=0.5"] * 5000) + "\r\n",
    ],
    ids=["huge", "many", "two-lengths", "unlike-lengths", "negative", "space", "cookies", "languages"],
)
async def test_headers_that_are_none(attacked: Attacked, headers: str) -> None:
    answer = await asyncio.to_thread(raw, attacked, get("/", more=headers))
    assert status(answer) in (0, 200, 400, 431)
    assert b"Traceback" not in answer
    await attacked.goes_on()


async def test_slow_clients_are_closed_and_others_are_served(attacked: Attacked) -> None:
    """Three hundred connections that send a byte now and then must not keep an honest one out for long."""
    slow: list[socket.socket] = []
    try:
        for _ in range(300):
            connection = socket.create_connection((HOST, attacked.page_port), timeout=WITHIN_S)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-")
            slow.append(connection)
        await attacked.goes_on(page=False)
        end = time.monotonic() + SLOW_CLOSED_S
        while status(await asyncio.to_thread(raw, attacked, get("/healthz"))) != 200:
            assert time.monotonic() < end, "slow clients keep the page for themselves"
            for connection in slow:
                with suppress(OSError):
                    connection.send(b"a")
            await asyncio.sleep(0.5)
    finally:
        for connection in slow:
            connection.close()
    await attacked.goes_on()


def test_every_answer_forbids_a_browser_what_it_need_not_do(attacked: Attacked) -> None:
    for path, host in (("/", "127.0.0.1"), ("/nothing", "127.0.0.1"), ("/", "evil.example")):
        answer = raw(attacked, get(path, host)).lower()
        assert b"content-security-policy: default-src 'none'" in answer
        assert b"frame-ancestors 'none'" in answer
        assert b"x-content-type-options: nosniff" in answer
        assert b"\r\nserver:" not in answer
