"""The door of the page: who has logged in, and who may come in without."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import audit
from gateway.web.sessions import Session, Sessions, Tries
from gateway.web.users import FILE_NAME, User, UsersError, fits, read_users

log = structlog.get_logger()

COOKIE = "sensornett"
FORM_MAX = 8192  # bytes
SESSION = "sensornett.session"  # where the request's scope holds it
_FREE = ("/login", "/static/", "/healthz")
_PUBLIC = ("/node/", "/data", "/sta", "/openapi.json", "/accessibility", "/events")
Reading = Literal["open", "public", "closed"]
Render = Callable[..., Response]


class Form(NamedTuple):
    """What a form has sent; `fault` is empty, or says why it is not taken: size, csrf."""

    fields: Mapping[str, str]
    fault: str = ""

    def __call__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


def session_of(request: Request) -> Session | None:
    """Return who has sent this request; None without login."""
    found: Session | None = request.scope.get(SESSION)
    return found


async def form_of(request: Request) -> Form:
    """Read a form of ours. Only the session that our page was made for can send it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_MAX:
            return Form({}, "size")
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50))
    session = session_of(request)
    if session is not None and not session.sent_by_us(fields.get("csrf", "")):
        return Form({}, "csrf")
    return Form(fields)


class Door:
    """Knows the users in `home`, their sessions, and how the page is read without login."""

    def __init__(self, home: Path, reading: Reading = "open", clock: Callable[[], float] = time.time) -> None:
        self.home = home
        self.reading = reading
        self._clock = clock
        self._sessions = Sessions(clock)
        self._tries = Tries(clock)
        self._users: Mapping[str, User] = {}
        self._stamp = 0  # of the file they were read from
        self._one = asyncio.Lock()  # checking a password takes memory and time: one at a time

    def routes(self, render: Render) -> list[Route]:
        async def login(request: Request) -> Response:
            if request.method == "GET":
                to = _inside(request.query_params.get("to", ""))
                return render(request, "login.html", trouble="", to=to)
            return await self._login(request, render)

        return [
            Route("/login", login, methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=["POST"]),
        ]

    def guard(self, app: ASGIApp, public: ASGIApp | None = None) -> ASGIApp:
        """Return `app` behind the door; who may only see what is public gets `public`."""

        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            request = Request(scope)
            key = request.cookies.get(COOKIE, "")
            session = self._sessions.find(key) if key else None
            if session is not None and not self._still(session):
                self._sessions.end(key)
                session = None
            scope[SESSION] = session
            free = any(scope["path"].startswith(path) for path in _FREE)
            if session is not None or self.reading == "open" or free:
                await app(scope, receive, send)
            elif public is not None and (scope["path"] == "/" or scope["path"].startswith(_PUBLIC)):
                await public(scope, receive, send)
            else:
                to = quote(scope["path"], safe="/")
                address = f"/login?to={quote(to, safe='')}"
                answer = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
                await answer(scope, receive, send)

        return enter

    def _still(self, session: Session) -> bool:
        """Whether the users' file still has this one as it was when the session began."""
        path = self.home / FILE_NAME
        try:
            stamp = path.stat().st_mtime_ns if path.exists() else 0
            if stamp != self._stamp:
                self._users, self._stamp = read_users(path), stamp
        except (OSError, UsersError) as error:
            log.error("users_unreadable", reason=str(error))  # noqa: TRY400
            return False
        user = self._users.get(session.name)
        return user is not None and user.role == session.role and user.password == session.password

    async def _login(self, request: Request, render: Render) -> Response:
        if session_of(request) is not None:
            return RedirectResponse("/alerts", 303)
        form = await form_of(request)
        name, to = form("name")[:100], _inside(form("to"))
        address = request.client.host if request.client else ""
        async with self._one:
            wait_s = self._tries.wait_s(name, address)
            if wait_s:
                answer = render(request, "login.html", 429, trouble="wait", wait_s=wait_s, to=to)
                answer.headers["Retry-After"] = str(wait_s)
                return answer
            try:
                users = await asyncio.to_thread(read_users, self.home / FILE_NAME)
            except UsersError as error:
                log.error("users_unreadable", reason=str(error))  # noqa: TRY400
                return render(request, "login.html", 503, trouble="users", to=to)
            user = users.get(name)
            if not await asyncio.to_thread(fits, user, form("password")) or user is None:
                self._tries.failed(name, address)
                log.warning("login_failed", address=address)
                return render(request, "login.html", 401, trouble="wrong" if users else "nobody", to=to)
        self.note(name, "logged in")
        answer = RedirectResponse(_as_read(to or "/alerts", request), 303, {"Cache-Control": "no-store"})
        answer.set_cookie(
            COOKIE,
            self._sessions.begin(name, user),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def _logout(self, request: Request) -> Response:
        session, form = session_of(request), await form_of(request)
        answer = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
        if session is not None and not form.fault:
            self._sessions.end(request.cookies.get(COOKIE, ""))
            self.note(session.name, "logged out")
            answer.delete_cookie(COOKIE)
        return answer

    def note(self, who: str, did: str, **details: object) -> None:
        """Enter into the audit log what somebody did. Where that fails it is told, and goes on."""
        log.info("audit", who=who, did=did, **details)
        try:
            audit.note(self.home, self._clock(), who, did, **details)
        except OSError as error:
            log.error("audit_not_written", reason=str(error))  # noqa: TRY400


def _as_read(path: str, request: Request) -> str:
    """Return a path with the language and appearance that the reader has chosen."""
    chosen = {k: v for k, v in request.query_params.items() if k in ("lang", "theme") and v.isalnum()}
    query = "&".join(f"{k}={v}" for k, v in sorted(chosen.items()) if f"{k}=" not in path)
    return path + ("&" if "?" in path else "?") + query if query else path


def _inside(path: str) -> str:
    """Return a path of this page, or nothing: nobody is sent elsewhere."""
    path = unquote(path)
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return quote(path, safe="/?=&") if plain and "\\" not in path else ""
