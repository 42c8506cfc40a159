"""What a helper far away needs to see, in one file, without anything secret in it."""

import csv
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools.installation.choices import FILE
from tools.installation.places import InstallError, Places

LOG_LINES = 2000
HIDDEN = "[hidden]"
LEAST = 4  # characters; what is shorter would hide half of every text
# Values under these keys say nothing that is secret, and are needed to understand the rest.
_PLAIN_KEYS = {"recipient", "role", "host", "port", "least", "rota", "at", "days", "peaks"}
_PLAIN = {"sensornett", "gateway", "operator", "technician", "viewer", "password"}
_FILES = ("keys.json", "broker.json", "users.json", "network.yaml", "channels.yaml")
_SHAPES = (
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),  # user and password in an address
    re.compile(r"(?i)(?<=token=)\S+|(?<=password=)\S+|(?<=password: )\S+|(?<=token: )\S+"),
    re.compile(r"\b[0-9a-fA-F]{32,}\b"),  # what looks like a key
    re.compile(r"AGE-SECRET-KEY-1[0-9A-Za-z]+"),
    re.compile(r"(?<![\w.])\+\d{6,15}\b"),  # a telephone number
    re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),  # a mail address
)

Said = Callable[..., str]


def redacted(text: str, secrets: set[str]) -> str:
    """Return `text` with each of `secrets`, and what has the shape of one, hidden.

    A secret is found also as it stands in JSON, in a Python text, and in an address.
    """
    forms = {form for secret in secrets for form in _forms(secret)}
    for secret in sorted(forms, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(HIDDEN, text)
    return text


def _forms(secret: str) -> set[str]:
    in_json = [json.dumps(secret, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)]
    in_an_address = [quote(secret, safe=safe) for safe in ("", "/", "/:@")]
    return {secret, repr(secret)[1:-1], *in_json, *in_an_address}


def known_secrets(places: Places) -> set[str]:
    """Return every secret of this gateway that the caller may read at all, and who has duty."""
    found: set[str] = set()
    for name in _FILES:
        text = _read(places.data / name)
        try:
            found |= set(_values(YAML(typ="safe").load(text)))
        except (YAMLError, ValueError, RecursionError):  # damaged: whatever could be one
            found |= set(re.findall(r'[^\s"\',:{}\[\]]{8,}', text))
    for rota in [*places.data.glob("*.csv"), *places.data.glob("*.ics")]:
        found |= {cell.strip() for row in csv.reader(_read(rota).splitlines(), delimiter=";") for cell in row}
        found |= {line.partition(":")[2].strip() for line in _read(rota).splitlines() if ":" in line}
    try:
        files = sorted(places.secrets.iterdir())
    except OSError:
        files = []
    found |= {_read(file).strip() for file in files}
    return {secret for secret in found - _PLAIN if len(secret) >= LEAST}


def _values(value: Any, key: str = "") -> Iterator[str]:
    """Yield every text in a document that is not under a key that is plain."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if str(name) not in _PLAIN_KEYS:
                yield from _values(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, key)
    elif isinstance(value, str):
        yield value.strip()
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)  # a password of digits, which YAML takes for a number


def write_bundle(
    file: Path, places: Places, report: Mapping[str, Any], said: Said | None = None
) -> list[str]:
    """Write the bundle; return what is in it. `report` is what the doctor found; `said` runs programs.

    Raises OSError; InstallError where there is such a file.
    """
    if file.exists():
        raise InstallError(f"{file} is there already")
    said = said or _said
    secrets = known_secrets(places)
    members = {
        "doctor.json": json.dumps(report, indent=1, ensure_ascii=False),
        FILE: _read(places.settings / FILE),
        "journal.txt": said("journalctl", "--no-pager", "-n", str(LOG_LINES), "-u", "sensornett-*"),
        "units.txt": said("systemctl", "--no-pager", "status", "sensornett-*"),
        "disks.txt": said("df", "-h"),
        "memory.txt": _read(Path("/proc/meminfo")),
        "os-release.txt": _read(Path("/etc/os-release")),
    }
    with tarfile.open(file, "x:gz") as archive:
        for name, text in members.items():
            content = redacted(text, secrets).encode()
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return list(members)


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _said(*words: str) -> str:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=30, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{words[0]}: {error}"
    return done.stdout
