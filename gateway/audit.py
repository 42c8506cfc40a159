"""audit.jsonl in the state directory: one line for each thing that somebody did.

It is only added to, but for what has become too old to be kept.
"""

import fcntl
import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

FILE_NAME = "audit.jsonl"
AT = "%Y-%m-%dT%H:%M:%SZ"
NAMES = ("who", "user", "login")  # the words of a line that hold somebody's name


def note(state: Path, at_s: float, who: str, did: str, **details: object) -> None:
    """Add a line: when (UTC), who, what they did, and the details. Raises OSError."""
    at = datetime.fromtimestamp(at_s, UTC).strftime(AT)
    line = json.dumps({"at": at, "who": who, "did": did, **details}, ensure_ascii=False)
    add(state / FILE_NAME, line)


def add(path: Path, line: str) -> None:
    """Add a line to the log at `path`, which belongs to who owns its folder. Raises OSError."""
    with _held(path) as stream:
        if os.geteuid() == 0:  # a command given with sudo
            owner = path.parent.stat()
            os.fchown(stream.fileno(), owner.st_uid, owner.st_gid)
        stream.write(line + "\n")


def forget(state: Path, lines_before_s: int, names_before_s: int) -> tuple[int, int]:
    """Delete lines older than the one moment, and names in those older than the other (UTC s).

    Return how many lines, and in how many there were names. Raises OSError; the log is then as it was.
    """
    path = state / FILE_NAME
    if not path.exists():
        return 0, 0
    deleted = unnamed = 0
    with _held(path):
        kept = []
        for line in path.read_text().splitlines():
            at_s, told = _read(line)
            if at_s is not None and at_s < lines_before_s:
                deleted += 1
                continue
            if at_s is not None and at_s < names_before_s and any(told.get(key) for key in NAMES):
                unnamed += 1
                line = json.dumps({k: "" if k in NAMES else v for k, v in told.items()}, ensure_ascii=False)
            kept.append(line + "\n")
        if deleted or unnamed:
            new = path.with_name(path.name + ".new")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
                stream.writelines(kept)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(path)
    return deleted, unnamed


@contextmanager
def _held(path: Path) -> Iterator[TextIO]:
    """Open the log to add to it, and keep others from it meanwhile: also a new file in its place."""
    while True:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.fstat(stream.fileno()).st_ino == path.stat().st_ino:
                    yield stream
                    return


def _read(line: str) -> tuple[float | None, dict[str, object]]:
    """Return when a line was written, and what it says; None where it is no such line: it stays."""
    try:
        told = json.loads(line)
        return datetime.strptime(told["at"], AT).replace(tzinfo=UTC).timestamp(), told
    except (ValueError, KeyError, TypeError):
        return None, {}


def who() -> str:
    """Return who gives this command: with sudo the person who did, not the user it turns into."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
