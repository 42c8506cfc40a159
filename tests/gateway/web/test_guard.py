"""Who may ask, and what a browser may do with the answer."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Scope

from gateway.web.guard import Guard, is_ours, own_names

NAMES = frozenset({"localhost", "gateway", "gateway.local"})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1:8080",
        "10.1.2.3",
        "[::1]:8080",
        "[fe80::1]",
        "gateway.local.",
        "gateway",
    ],
)
def test_our_names_and_any_address(host: str) -> None:
    assert is_ours(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "",
        *[
            "evil.example",
            "localhost.evil",
            "127.0.0.1.evil",
            "localhost:80@evil",
            "[::1",
            "[::1]x",
            "gateway:x",
        ],
    ],
)
def test_what_is_somebody_elses(host: str) -> None:
    assert not is_ours(host, NAMES)


def test_this_machine_knows_its_name() -> None:
    assert "localhost" in own_names()


async def ask(method: str = "GET", hosts: tuple[bytes, ...] = (b"localhost",)) -> tuple[int, dict[str, str]]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http", "method": method, "path": "/", "query_string": b"", "root_path": "",
        "headers": [(b"host", host) for host in hosts],
    }  # fmt: skip
    await Guard(PlainTextResponse("inside"), NAMES)(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers


async def test_reading_is_let_through_with_the_headers() -> None:
    status, headers = await ask()
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_nothing_else_is(method: str) -> None:
    status, headers = await ask(method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("hosts", [(), (b"evil.example",), (b"localhost", b"evil.example")])
async def test_another_name_is_not_answered(hosts: tuple[bytes, ...]) -> None:
    status, headers = await ask(hosts=hosts)
    assert status == 421
    assert "content-security-policy" in headers
