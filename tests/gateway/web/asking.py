"""Asks an application as a browser does: with forms, cookies and languages."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message, Scope


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Browser:
    """Keeps the cookies it is given. `more` are headers sent with everything."""

    app: ASGIApp
    address: str = "10.0.0.9"
    cookies: dict[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)

    async def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return await self._ask(method, path, b"", headers)

    async def post(self, path: str, fields: Mapping[str, Any], **headers: str) -> Answer:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await self._ask("POST", path, urlencode(fields).encode(), {**kind, **headers})

    async def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        path, _, query = path.partition("?")
        sent: list[Message] = []
        asked = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if not asked:
                await asyncio.Event().wait()  # it stays
            return asked.pop()

        async def send(message: Message) -> None:
            sent.append(message)

        told = {"host": "localhost", "accept-language": "nb", **self.more}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            told["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in told.items()],
            "client": (self.address, 1),
            "server": ("localhost", 80),
        }
        async with asyncio.timeout(60):
            await self.app(scope, receive, send)
        found: dict[str, str] = {}
        for name, value in sent[0]["headers"]:
            if name == b"set-cookie":
                self._keep(value.decode())
            found[name.decode()] = value.decode()
        return Answer(sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent[1:]))

    def _keep(self, cookie: str) -> None:
        name, _, value = cookie.partition(";")[0].partition("=")
        if value.strip('"'):
            self.cookies[name] = value
        else:
            self.cookies.pop(name, None)
