"""`sensornett publish`: a copy from a store on disk, and the way to the host."""

import http.server
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from device_configs.loader import SITES
from gateway.model import NodeState, Record
from gateway.store import Change, Store
from gateway.web.frozen_copy import CopyError
from tests.gateway.web.made import intake, snow
from tools.cli import main
from tools.publish_command import Way, pushed, sftp_batch

NARVIK = SITES / "narvik-demo"


async def stored(state: Path) -> None:
    """A gateway's store with two places, and no gateway."""
    now_s = int(time.time())
    store = Store.open(state / "store.db")
    try:
        made = [intake(660, 640, now_s - 600), intake(700, 640, now_s - 60, commit=2), snow(500, now_s - 30)]
        names = Record.__dataclass_fields__
        await store.append(Change(records=[Record(**{n: getattr(r, n) for n in names}) for r in made]))
        shelved = NodeState(21, b"", status='{"shelf": 1}', status_at_ms=now_s * 1000)
        await store.append(Change(nodes=[shelved]))
    finally:
        await store.close()


@contextmanager
def bare_server(folder: Path) -> Iterator[str]:
    handler = partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


async def test_a_copy_is_read_from_a_bare_server_with_no_gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await stored(tmp_path)
    folder = tmp_path / "public"
    words = ["publish", "--site", str(NARVIK), "--state", str(tmp_path), "--to", str(folder), "--json"]
    # In a thread: it has an event loop of its own.
    status: list[int] = []
    thread = threading.Thread(target=lambda: status.append(main(words)))
    thread.start()
    thread.join()
    assert status == [0]
    out = capsys.readouterr()
    assert json.loads(out.out)["files"] > 40
    assert "judged by the newest values only" in out.err
    with bare_server(folder) as url:

        def get(path: str) -> str:
            with urllib.request.urlopen(f"{url}/{path}") as answer:
                return str(answer.read().decode())

        assert "Taraldsvikelva" in get("")
        assert ">70<" in get("nb/node-11.html")
        assert "up_level_mm" in get("data/latest.csv")
        assert "På hylla siden" in get("nb/node-21.html")
        assert "på hylla" in get("")
        assert json.loads(get("data/latest.geojson"))["features"]
        assert json.loads(get("data/catalogue.jsonld"))["@type"] == "dcat:Catalog"


def test_without_a_store_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["publish", "--site", str(NARVIK), "--state", str(tmp_path), "--to", str(tmp_path / "public")]
    assert main(words) == 1
    assert "store.db" in capsys.readouterr().err


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in on PATH that writes down how it was called; it ends with the status in `status`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in Way:
        path = folder / name
        path.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/told\n[ $1 = -rlt ] || cat > {tmp_path}/batch\n'
            f"echo no route to host >&2\nexit $(cat {tmp_path}/status)\n"
        )
        path.chmod(0o755)
    (tmp_path / "status").write_text("0")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return tmp_path


def test_rsync_is_given_folder_and_host(program: Path) -> None:
    pushed(program / "public", "web@host.example:/var/www/sn/", Way.rsync)
    told = (program / "told").read_text().splitlines()
    assert told[-3:] == ["--", f"{program}/public/", "web@host.example:/var/www/sn/"]
    assert "--delete-after" in told
    assert any("BatchMode=yes" in word for word in told)


def test_sftp_is_told_folders_first_and_pages_last(program: Path) -> None:
    folder = program / "public"
    (folder / "nb").mkdir(parents=True)
    for name in ("index.html", "nb/a.html", "data.csv"):
        (folder / name).touch()
    pushed(folder, "web@host.example:www", Way.sftp)
    batch = (program / "batch").read_text()
    assert batch == sftp_batch(folder, "www")
    lines = batch.splitlines()
    assert lines[:2] == ['-mkdir "www"', '-mkdir "www/nb"']
    assert [line.rpartition("/")[2] for line in lines[2:]] == ['data.csv"', 'index.html"', 'a.html"']
    assert (program / "told").read_text().splitlines()[-1] == "web@host.example"


def test_a_host_that_cannot_be_reached_is_told(program: Path) -> None:
    (program / "status").write_text("255")
    with pytest.raises(ConnectionError, match="no route to host"):
        pushed(program / "public", "web@host.example:www", Way.rsync)


@pytest.mark.parametrize("target", ["", "host", "host:", ":path", "-oProxyCommand=x:y", "a b:c"])
def test_a_target_is_checked(tmp_path: Path, target: str) -> None:
    with pytest.raises(CopyError, match="user@host:path"):
        pushed(tmp_path, target, Way.rsync)


def test_a_missing_program_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CopyError, match="apt-get install rsync"):
        pushed(tmp_path, "a@b:c", Way.rsync)
