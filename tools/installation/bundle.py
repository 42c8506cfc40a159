"""What a helper far away needs to see, in one file, without anything secret in it."""

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.installation.choices import FILE
from tools.installation.places import InstallError, Places

LOG_LINES = 2000
HIDDEN = "[hidden]"
_PLAIN = {"sensornett", "channels", "recipient", "password", "heartbeat", "operator", "technician"}
_SHAPES = (
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),  # user and password in an address
    re.compile(r"(?i)(?<=token=)\S+|(?<=password=)\S+|(?<=password: )\S+|(?<=token: )\S+"),
    re.compile(r"\b[0-9a-fA-F]{32,}\b"),  # what looks like a key
    re.compile(r"(?<![\w.])\+\d{6,15}\b"),  # a telephone number
    re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),  # a mail address
)


def redacted(text: str, secrets: set[str]) -> str:
    """Return `text` with each of `secrets`, and what has the shape of one, hidden."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(HIDDEN, text)
    return text


def known_secrets(places: Places) -> set[str]:
    """Return every secret of this gateway that the caller may read at all."""
    found: set[str] = set()
    for file in ("keys.json", "broker.json", "users.json", "network.yaml", "channels.yaml"):
        found |= set(re.findall(r'[^\s"\',:{}\[\]]{8,}', _read(places.data / file)))
    try:
        files = sorted(places.secrets.iterdir())
    except OSError:
        files = []
    found -= _PLAIN
    return found | {text for file in files if len(text := _read(file).strip()) >= 4}


def write_bundle(file: Path, places: Places, report: Mapping[str, Any]) -> list[str]:
    """Write the bundle; return what is in it. `report` is what the doctor found.

    Raises OSError; InstallError where there is such a file.
    """
    if file.exists():
        raise InstallError(f"{file} is there already")
    secrets = known_secrets(places)
    members = {
        "doctor.json": json.dumps(report, indent=1, ensure_ascii=False),
        FILE: _read(places.settings / FILE),
        "journal.txt": _said("journalctl", "--no-pager", "-n", str(LOG_LINES), "-u", "sensornett-*"),
        "units.txt": _said("systemctl", "--no-pager", "status", "sensornett-*"),
        "disks.txt": _said("df", "-h"),
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
