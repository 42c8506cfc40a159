"""The backups in a folder: their names, and how many of them are kept."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

_NAME = re.compile(r"sensornett-(?P<site>.+)-(?P<at>\d{8}T\d{6}Z)\.tar\.gz(\.age)?")
_AT = "%Y%m%dT%H%M%SZ"


def name_of(site: str, at: datetime, *, encrypted: bool) -> str:
    """Return the name of a backup made at a moment in UTC."""
    return f"sensornett-{site}-{at.astimezone(UTC):{_AT}}.tar.gz" + (".age" if encrypted else "")


def backups(folder: Path, site: str) -> list[tuple[datetime, Path]]:
    """Return when each backup of a site in `folder` was made, the oldest first. Raises OSError."""
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and match["site"] == site:
            found.append((datetime.strptime(match["at"], _AT).replace(tzinfo=UTC), path))
    return sorted(found)


def prune(folder: Path, site: str, keep: int) -> Sequence[Path]:
    """Delete the oldest backups of a site but `keep`; return them. Other files stay. Raises OSError."""
    old = [path for _, path in backups(folder, site)[:-keep]]
    for path in old:
        path.unlink()
    return old
