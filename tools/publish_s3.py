"""Brings a public copy to an S3 bucket of any provider: what has changed, pages after what they lead to."""

import hashlib
import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import requests
from requests.adapters import HTTPAdapter
from requests_aws4auth import AWS4Auth  # type: ignore[import-untyped]
from urllib3.util.retry import Retry

from gateway.web.frozen_copy import RECEIPT, CopyError

SCHEME = "s3://"
TIMEOUT_S = (20, 60)  # to connect, and between two bytes
TRIES = 3
ANSWER_MAX = 10_000_000  # bytes of a listing
_TYPES = {".csv": "text/csv", ".geojson": "application/geo+json", ".jsonld": "application/ld+json"}
_AGAIN = (500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Key:
    """What a request is signed with."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Key({self.id})"


def key_of(file: Path | None, environment: Mapping[str, str] = os.environ) -> Key:
    """Return the key in a file (id, then secret, on two lines) or the environment. Raises CopyError."""
    if file is None:
        id_, secret = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
        if not id_ or not secret:
            raise CopyError(
                "The bucket's key is missing. Put its id and its secret on two lines of a file that only its "
                "owner reads, and give that with --key"
            )
        return Key(id_, secret)
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise CopyError(f"{file}: others can read it. Change that with: chmod 600 {file}")
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise CopyError(f"{file}: the bucket's key cannot be read: {error}") from error
    if len(lines) != 2:
        raise CopyError(f"{file}: expected two lines, the key's id and its secret")
    return Key(*lines)


class Bucket:
    """The objects below `s3://bucket/prefix` at `endpoint`, addressed by path."""

    def __init__(self, target: str, endpoint: str, region: str, key: Key) -> None:
        bucket, _, prefix = target.removeprefix(SCHEME).strip("/").partition("/")
        parts = urlsplit(endpoint)
        if not target.startswith(SCHEME) or not bucket or any(c.isspace() for c in target):
            raise CopyError(f"{target}: expected s3://bucket or s3://bucket/folder")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CopyError(f"{endpoint}: expected the provider's address, as in https://s3.example.org")
        self.prefix = f"{prefix}/" if prefix else ""
        self._host = parts.hostname
        self._url = f"{endpoint.rstrip('/')}/{quote(bucket)}"
        self._session = requests.Session()
        self._session.auth = AWS4Auth(key.id, key.secret, region, "s3")
        again = Retry(TRIES - 1, backoff_factor=0.5, status_forcelist=_AGAIN, allowed_methods=None)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def push(self, folder: Path) -> int:
        """Make the objects what the folder's files are; return how many were sent.

        Raises CopyError where somebody else's objects are there, and ConnectionError where it failed.
        """
        there = dict(self._listed())
        if there and RECEIPT not in there:
            where = f"s3://{self._url.rpartition('/')[2]}/{self.prefix}"
            raise CopyError(f"{where}: is not empty, and no copy made before. Choose another folder")
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        # The receipt first: a push that is cut short is known as ours. Pages come after what they lead to.
        order = sorted(files, key=lambda name: (name != RECEIPT, name.endswith(".html"), name))
        sent = 0
        for name in order:
            content = files[name].read_bytes()
            if there.get(name) != hashlib.md5(content, usedforsecurity=False).hexdigest():
                self._ask("PUT", name, content, _headers(name))
                sent += 1
        for name in there.keys() - files.keys():
            self._ask("DELETE", name)
        return sent

    def _listed(self) -> Iterator[tuple[str, str]]:
        """Yield name and ETag of every object below the prefix; of a plain one that is its MD5."""
        token = ""
        while True:
            query = {"list-type": "2", "prefix": self.prefix} | (
                {"continuation-token": token} if token else {}
            )
            text = self._ask("GET", query=query)
            try:
                root = ElementTree.fromstring(text)  # noqa: S314  of the host that we have a key for
            except ElementTree.ParseError as error:
                raise ConnectionError(f"S3 at {self._host}: its listing cannot be read: {error}") from error
            for entry in root.iterfind("{*}Contents"):
                name = (entry.findtext("{*}Key") or "").removeprefix(self.prefix)
                yield name, (entry.findtext("{*}ETag") or "").strip('"')
            token = root.findtext("{*}NextContinuationToken") or ""
            if root.findtext("{*}IsTruncated") != "true" or not token:
                return

    def _ask(
        self,
        method: str,
        name: str | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        url = self._url if name is None else f"{self._url}/{quote(self.prefix + name)}"
        try:
            answer = self._session.request(
                method, url, params=query, data=content, headers=headers, timeout=TIMEOUT_S,
                allow_redirects=False, stream=True,
            )  # fmt: skip
            with answer:
                body: bytes = answer.raw.read(ANSWER_MAX, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise ConnectionError(f"S3 at {self._host}: {_reason(error)}") from error
        if answer.status_code >= 300:
            raise ConnectionError(f"S3 at {self._host}: {method} {url} was answered {_refusal(answer, body)}")
        return body


def _headers(name: str) -> dict[str, str]:
    suffix = Path(name).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind == "application/geo+json"
    kept = "public, max-age=86400" if name.startswith("static/") else "no-cache"
    return {"Content-Type": f"{kind}; charset=utf-8" if text else kind, "Cache-Control": kept}


def _refusal(answer: requests.Response, body: bytes) -> str:
    """Say what a refusal was for, by S3's own code where it gives one."""
    code = message = ""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  of the host that we have a key for
        code, message = root.findtext("{*}Code") or "", root.findtext("{*}Message") or ""
    except ElementTree.ParseError:
        pass
    text = f"{answer.status_code} {code}".strip() + (f" ({message[:200]})" if message else "")
    if answer.status_code in (301, 307, 400):
        return f"{text}. Check --endpoint and --region"
    if answer.status_code == 403:
        return f"{text}. Check the key, what it may do with this bucket, --region, and this machine's clock"
    if answer.status_code == 404:
        return f"{text}. Make the bucket first"
    return text


def _reason(error: Exception) -> str:
    """Return the cause at the bottom of an exception, without the layers around it."""
    while (inner := error.__cause__ or error.__context__) is not None and isinstance(inner, Exception):
        error = inner
    return str(error) or type(error).__name__
