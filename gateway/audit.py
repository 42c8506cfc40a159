"""audit.jsonl in the state directory: one line for each thing that somebody did. It is only added to."""

import getpass
import json
import os
from datetime import UTC, datetime
from pathlib import Path

FILE_NAME = "audit.jsonl"


def note(state: Path, at_s: float, who: str, did: str, **details: object) -> None:
    """Add a line: when (UTC), who, what they did, and the details. Raises OSError."""
    at = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = json.dumps({"at": at, "who": who, "did": did, **details}, ensure_ascii=False)
    with os.fdopen(os.open(state / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as stream:
        stream.write(line + "\n")


def who() -> str:
    """Return who gives this command: with sudo the person who did, not the user it turns into."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
