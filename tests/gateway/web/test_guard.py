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


async def ask(
    method: str = "GET", hosts: tuple[bytes, ...] = (b"localhost",), path: str = "/", **more: str
) -> tuple[int, dict[str, str]]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http", "method": method, "path": path, "query_string": b"", "root_path": "",
        "headers": [
            *((b"host", host) for host in hosts),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in more.items()),
        ],
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


async def test_forms_of_our_own_pages_are_let_through() -> None:
    for path in ("/login", "/logout", "/alerts"):
        assert (await ask("POST", path=path))[0] == 200
        own = {"origin": "http://localhost", "sec_fetch_site": "same-origin"}
        assert (await ask("POST", (b"localhost",), path, **own))[0] == 200
    assert (await ask("POST", (b"10.0.0.1:8080",), "/login", origin="http://10.0.0.1:8080"))[0] == 200
    assert (await ask("DELETE", path="/login"))[0] == 405


@pytest.mark.parametrize(
    "more",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://localhost"},
    ],
)
async def test_forms_from_elsewhere_are_not(more: dict[str, str]) -> None:
    status, headers = await ask("POST", (b"localhost",), "/login", **more)
    assert status == 403
    assert "content-security-policy" in headers


async def test_sensorthings_says_itself_that_it_only_reads() -> None:
    assert (await ask("PATCH", path="/sta/v1.1/Things"))[0] == 200
