"""A request that does not come to its end loses its connection; one that does has all the time it needs."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.web import patience
from gateway.web.patience import Patient

WITHIN_S = 0.3
LONG_S = 30.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def slowly(request: Request) -> PlainTextResponse:
    """Answer only after more time than a request may take: the loop's clock leaps ahead."""
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + 2 * patience.REQUEST_WITHIN_S  # type: ignore[method-assign]
    await asyncio.sleep(0.05)
    return PlainTextResponse("here")


@asynccontextmanager
async def served(monkeypatch: pytest.MonkeyPatch, within_s: float = WITHIN_S) -> AsyncIterator[int]:
    monkeypatch.setattr(patience, "REQUEST_WITHIN_S", within_s)
    app = Starlette(routes=[Route("/", slowly)])
    server = uvicorn.Server(uvicorn.Config(app, http=Patient, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        task = asyncio.create_task(server.serve([listening]))
        yield listening.getsockname()[1]
        server.should_exit = True
        await task


async def connect(port: int) -> Streams:
    return await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_what_does_not_go_on_is_closed(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    async with served(monkeypatch) as port:
        reader, writer = await connect(port)
        writer.write(begun)
        async with asyncio.timeout(60):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1 << 20)
        writer.close()


async def test_a_byte_now_and_then_buys_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(monkeypatch) as port:
        reader, writer = await connect(port)
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        async with asyncio.timeout(60):
            while not reader.at_eof() and reader.exception() is None:
                writer.write(b"a")
                await asyncio.sleep(WITHIN_S / 4)
        writer.close()


async def test_a_slow_answer_is_waited_for_and_the_connection_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(monkeypatch, LONG_S) as port:
        reader, writer = await connect(port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(10 * LONG_S):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ")
                assert await reader.readexactly(4) == b"here"
        writer.close()
