"""`./run sbom`: what a gateway consists of, as CycloneDX 1.5, and which of it is known to be weak.

The parts are those of requirements/gateway.lock, which is exactly what an installation gets. Advisories are
asked from a server that speaks OSV's protocol, osv.dev unless told otherwise; it learns names and versions.
"""

import argparse
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OSV = "https://api.osv.dev"
DEBIAN = ("mosquitto", "python3")
OK, FAILED, NETWORK = 0, 1, 6
TIMEOUT_S = 60
_ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)(?:\s*;\s*([^\\\n]+?))?\s*\\?$", re.MULTILINE)


class LockError(Exception):
    """The lock cannot be read as one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One locked package. `marker` says where it is installed; empty: everywhere."""

    name: str
    version: str
    marker: str = ""

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def parts(lock: str) -> list[Part]:
    """Return the packages of a lock, by name. Raises LockError where a line is not understood."""
    found = [Part(*(group or "" for group in match.groups())) for match in _ENTRY.finditer(lock)]
    lines = [line for line in lock.splitlines() if line and line[0] not in "# "]
    if not found or len(found) != len(lines):
        raise LockError(f"{len(lines)} packages in the lock, {len(found)} understood")
    return found


def sbom(found: Sequence[Part], version: str, now: datetime, debian: Sequence[Part] = ()) -> dict[str, Any]:
    """Return the bill of materials as CycloneDX has it."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": "sensornett",
                "name": "sensornett",
                "version": version,
                "licenses": [{"license": {"id": "EUPL-1.2"}}],
            },
        },
        "components": [_component(part) for part in found]
        + [
            {"type": "application", "bom-ref": f"debian/{p.name}", "name": p.name, "version": p.version,
             "purl": f"pkg:deb/debian/{p.name}@{p.version}"}
            for p in debian
        ],
        "dependencies": [
            {"ref": "sensornett", "dependsOn": [p.purl for p in found] + [f"debian/{p.name}" for p in debian]}
        ],
    }  # fmt: skip


def _component(part: Part) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
    }
    if licence := _licence(part.name):
        component["licenses"] = [{"license": {"name": licence}}]
    if part.marker:
        component["properties"] = [{"name": "sensornett:marker", "value": part.marker}]
    return component


def _licence(name: str) -> str:
    """Return what the installed package says of its licence; nothing where it is not installed here."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return ""
    said = next(iter(about.get_all("License-Expression") or about.get_all("License") or []), "")
    if not said or len(said) > 100:
        classified = [c for c in about.get_all("Classifier") or [] if c.startswith("License :: ")]
        said = classified[0].rpartition(" :: ")[2] if classified else ""
    return " ".join(said.split())


def debian_parts(names: Sequence[str] = DEBIAN) -> list[Part]:
    """Return the Debian packages a gateway runs on, as far as they are installed here."""
    shown = "${Package} ${Version}\n"
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", shown, *names], capture_output=True, text=True, check=False
    )
    return [Part(*line.split()) for line in done.stdout.splitlines() if len(line.split()) == 2]


def advisories(found: Sequence[Part], server: str = OSV) -> dict[Part, list[str]]:
    """Return the advisories of each part that has some. Raises OSError, ValueError."""
    queries = [{"package": {"name": p.name, "ecosystem": "PyPI"}, "version": p.version} for p in found]
    if not server.startswith(("https://", "http://")):
        raise ValueError(f"{server}: has to begin with https:// or http://")
    request = urllib.request.Request(  # noqa: S310 - checked above
        f"{server}/v1/querybatch",
        json.dumps({"queries": queries}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        results = json.load(answer)["results"]
    if len(results) != len(found):
        raise ValueError(f"{server}: {len(results)} answers to {len(found)} questions")
    return {p: [v["id"] for v in r["vulns"]] for p, r in zip(found, results, strict=True) if r.get("vulns")}


def main(words: Sequence[str]) -> int:
    """Write the SBOM, or with --audit look for advisories; return the exit status."""
    parser = argparse.ArgumentParser(prog="./run sbom", description="What a gateway consists of.")
    parser.add_argument("file", nargs="?", type=Path, help="where to write it; default: standard output")
    parser.add_argument(
        "--audit", action="store_true", help="ask for known weaknesses; 1 where there are some"
    )
    parser.add_argument("--server", default=OSV, help=f"one that speaks OSV's protocol; default: {OSV}")
    asked = parser.parse_args(words)
    found = parts((ROOT / "requirements" / "gateway.lock").read_text())
    number = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    text = json.dumps(sbom(found, number[1] if number else "0", datetime.now(UTC), debian_parts()), indent=1)
    if asked.file is not None:
        asked.file.write_text(text + "\n")
    elif not asked.audit:
        print(text)
    if not asked.audit:
        return OK
    try:
        weak = advisories(found, asked.server)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{asked.server}: the advisories could not be read: {error}", file=sys.stderr)
        return NETWORK
    for part, ids in sorted(weak.items(), key=lambda item: item[0].name):
        print(f"{part.name} {part.version}: {', '.join(ids)}", file=sys.stderr)
    print(f"{len(found)} packages, {len(weak)} with known weaknesses", file=sys.stderr)
    return FAILED if weak else OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
