"""What stands before every page: who may ask how, and what a browser may do with the answer."""

import ipaddress
import socket

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    # No inline script or style, nothing from elsewhere, no frames; forms go to ourselves.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def own_names() -> frozenset[str]:
    """Return the names this machine is called by."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, f"{name}.local", socket.getfqdn().lower()})


def is_ours(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header means this machine: one of `names`, or an address.

    Another name that resolves to us is somebody else's page reaching in through its visitor's browser.
    """
    try:
        name = host.strip().lower()
        if name.startswith("["):
            name, closed, port = name[1:].partition("]")
            if not closed or (port and not port.startswith(":")):
                return False
            port = port[1:]
        else:
            name, _, port = name.partition(":")
        if port and not port.isdecimal():
            return False
        if name.rstrip(".") in names:
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


_FORMS = ("/login", "/logout", "/alerts", "/rounds", "/energy")  # what may be sent to, from our own pages
_READ_ONLY = "/sta"  # says itself, in its standard's words, that it only reads


class Guard:
    """Answers reading requests, and forms of our own pages; adds the security headers."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not is_ours(hosts[0], self._names):
            refusal = PlainTextResponse("This gateway is not called that. Use its address.\n", 421)
            await refusal(scope, receive, send_guarded)
        elif scope["method"] == "POST" and scope["path"] in _FORMS:
            if _from_elsewhere(scope, hosts[0]):
                refusal = PlainTextResponse("This form was not sent from our own page.\n", 403)
                await refusal(scope, receive, send_guarded)
            else:
                await self._app(scope, receive, send_guarded)
        elif scope["method"] not in ("GET", "HEAD") and not scope["path"].startswith(_READ_ONLY):
            refusal = PlainTextResponse("The page can only be read.\n", 405, {"Allow": "GET, HEAD"})
            await refusal(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)


def _from_elsewhere(scope: Scope, host: str) -> bool:
    """Whether a browser says that a form comes from another site than ours."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get(b"origin")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()
