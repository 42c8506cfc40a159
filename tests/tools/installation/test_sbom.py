"""The bill of materials names what the lock installs, no more and no less; advisories come over real HTTP."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tools.installation import sbom
from tools.installation.sbom import LockError, Part, advisories, main, parts

LOCK = Path(__file__).parents[3] / "requirements" / "gateway.lock"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Osv(BaseHTTPRequestHandler):
    """Answers as OSV does: one result for each query, in their order."""

    weak: dict[str, list[str]] = {}  # noqa: RUF012 - set by each test

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        found = [self.weak.get(query["package"]["name"]) for query in asked]
        text = json.dumps({"results": [{"vulns": [{"id": i} for i in ids]} if ids else {} for ids in found]})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def osv() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_lock_is_understood_whole() -> None:
    found = {part.name: part for part in parts(LOCK.read_text())}
    for name in ("apsw", "cryptography", "starlette", "pydantic"):
        assert found[name].version == version(name)
    assert len(found) == sum(line.endswith("\\") and line[0] != " " for line in LOCK.read_text().splitlines())


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "apsw==3.1 \\\n    --hash=x\nsomething else\n", "apsw\n"]
)
def test_a_lock_that_is_none(text: str) -> None:
    with pytest.raises(LockError):
        parts(text)


def test_markers_are_kept_apart() -> None:
    more = " \\\n    --hash=sha256:00\n"
    text = f"tzdata==2026.1 ; sys_platform == 'win32'{more}apsw==3.54.0{more}"
    assert parts(text) == [Part("tzdata", "2026.1", "sys_platform == 'win32'"), Part("apsw", "3.54.0")]


def test_cyclonedx() -> None:
    made = sbom.sbom(
        [Part("apsw", "3.54.0"), Part("x", "1", "m")], "0.1.0", NOW, [Part("mosquitto", "2.0.11")]
    )
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    assert made["metadata"]["timestamp"] == "2026-11-24T12:00:00Z"
    assert [c["purl"] for c in made["components"]] == [
        "pkg:pypi/apsw@3.54.0", "pkg:pypi/x@1", "pkg:deb/debian/mosquitto@2.0.11",
    ]  # fmt: skip
    assert made["components"][0]["licenses"]  # installed here, and says so
    references = [component["bom-ref"] for component in made["components"]]
    assert made["dependencies"] == [{"ref": "sensornett", "dependsOn": references}]


def test_advisories(osv: str) -> None:
    Osv.weak = {"apsw": ["GHSA-1", "PYSEC-2"]}
    weak, well = Part("apsw", "3.1"), Part("cbor2", "6.0")
    assert advisories([well, weak], osv) == {weak: ["GHSA-1", "PYSEC-2"]}


def test_the_command(osv: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Osv.weak = {}
    assert main([str(tmp_path / "sbom.json")]) == 0
    assert len(json.loads((tmp_path / "sbom.json").read_text())["components"]) >= len(parts(LOCK.read_text()))
    assert main(["--audit", "--server", osv]) == 0
    Osv.weak = {"apsw": ["GHSA-1"]}
    assert main(["--audit", "--server", osv]) == 1
    assert "GHSA-1" in capsys.readouterr().err
    assert main(["--audit", "--server", "http://127.0.0.1:1"]) == 6
    assert main(["--audit", "--server", "file:///etc/passwd"]) == 6
