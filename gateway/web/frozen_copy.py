"""The public pages and files as a folder that any web server can hand out. Nothing in it asks the gateway."""

import json
import posixpath
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Message, Scope

from gateway.web.history import RANGES
from gateway.web.pages import Pages
from gateway.web.public_files import OpenData
from gateway.web.static_files import FOLDER
from gateway.web.words import Language

RECEIPT = "published.json"  # tells a copy of ours from somebody's own folder
_NOT_COPIED = ("energy.css", "charts.js", "vendor")  # of pages and scripts that a copy has not
_ADDRESS = re.compile(r'(?P<name>href|src)="(?P<address>/[^"]*)"')


class CopyError(Exception):
    """The copy cannot be made; the text says why."""


async def copy_of(pages: Pages, now_s: float) -> dict[str, str]:
    """Return every file of the copy but the static ones, by name. Raises CopyError, StoreError."""
    assert pages.open_data is not None
    first = pages.languages[0]
    addresses = ["/", "/data", "/accessibility"]
    for node in pages.live.nodes:
        addresses += [f"/node/{node}?range={range_}" for range_ in RANGES]
    found = {"index.html": _relative(await _page(pages.app, "/", first), "index.html", first, first)}
    for language in pages.languages:
        for address in addresses:
            name = file_of(address, language, first)
            found[name] = _relative(await _page(pages.app, address, language), name, language, first)
        for address, text in _files(pages.open_data, pages, language).items():
            found[file_of(address, language, first)] = text
    receipt = {"site": pages.site.id, "published": pages.words[first].utc(now_s)}
    return {**found, RECEIPT: json.dumps(receipt) + "\n"}


def put_copy(folder: Path, files: Mapping[str, str]) -> int:
    """Write the copy, as a whole or not at all; return how many files it has. Raises CopyError."""
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / RECEIPT).exists():
            raise CopyError(f"{folder}: is not empty, and no copy made before. Choose another folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
            fresh = Path(made) / "fresh"
            shutil.copytree(FOLDER, fresh / "static", ignore=shutil.ignore_patterns(*_NOT_COPIED))
            for name, text in files.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="")
            for path in (fresh, *fresh.rglob("*")):  # it is there to be read
                path.chmod(0o755 if path.is_dir() else 0o644)
            if folder.exists():
                folder.rename(Path(made) / "old")
            fresh.rename(folder)
    except OSError as error:
        raise CopyError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return sum(1 for path in folder.rglob("*") if path.is_file())


def _files(data: OpenData, pages: Pages, language: Language) -> Mapping[str, str]:
    say = pages.words[language]
    base = data.view.whole.page.public_url or ""

    def as_text(found: Mapping[str, Any]) -> str:
        return json.dumps(found, ensure_ascii=False)

    found = {
        "/data/latest.csv": data.latest_csv(say),
        "/data/latest.geojson": as_text(data.latest_geojson(say)),
        "/data/alerts.csv": data.alerts_csv(say),
        "/data/alerts.geojson": as_text(data.alerts_geojson(say)),
        "/data/catalogue.jsonld": as_text(data.catalogue(base, say)),
    }
    if data.view.buildings:
        found["/data/energy.csv"] = data.energy_csv(say)
    for node in data.view.nodes():
        found[f"/data/node/{node.place.id}.csv"] = data.node_csv(node, say)
        collection = {"type": "FeatureCollection", "features": [data.feature(node, say)]}
        found[f"/data/node/{node.place.id}.geojson"] = as_text(collection)
    return found


def file_of(address: str, language: str, first: str) -> str:
    """Return the file an address has become. Data files of the first language lie below data/."""
    parts = urlsplit(address)
    asked = parse_qs(parts.query)
    language = asked.get("lang", [language])[0]
    path = parts.path
    if path.startswith("/static/"):
        return path[1:]
    if path.startswith("/data/"):
        return path[1:] if language == first else f"{language}{path}"
    if path == "/":
        return f"{language}/index.html"
    range_ = asked.get("range", [next(iter(RANGES))])[0]
    suffix = f"-{range_}" if path.startswith("/node/") and range_ != next(iter(RANGES)) else ""
    return f"{language}/{path[1:].replace('/', '-')}{suffix}.html"


def _relative(html: str, name: str, language: str, first: str) -> str:
    """Return a page with its links as they lead from its own file, wherever the copy hangs."""
    here = posixpath.dirname(name) or "."

    def turned(found: re.Match[str]) -> str:
        address = found["address"].replace("&amp;", "&")
        anchor = urlsplit(address).fragment
        target = posixpath.relpath(file_of(address, language, first), here)
        return f'{found["name"]}="{target}{"#" + anchor if anchor else ""}"'

    return _ADDRESS.sub(turned, html)


async def _page(app: ASGIApp, address: str, language: str) -> str:
    """Return a page as the application answers it. Raises CopyError."""
    path, _, query = address.partition("?")
    query = f"{query}&lang={language}" if query else f"lang={language}"
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"localhost")], "client": None, "server": ("localhost", 443),
    }  # fmt: skip
    await app(scope, receive, send)
    if sent[0]["status"] != 200:
        raise CopyError(f"{address}: the page answers {sent[0]['status']}")
    return b"".join(message.get("body", b"") for message in sent[1:]).decode()
