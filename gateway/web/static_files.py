"""The files that do not change while the gateway runs: style, script, mark."""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FOLDER = Path(str(files(__package__).joinpath("static")))


class Static(StaticFiles):
    """Files whose address holds their fingerprint: a browser may keep them."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def fingerprint() -> str:
    """Return what the files' addresses change with."""
    found = hashlib.sha256()
    for file in sorted(FOLDER.rglob("*")):
        if file.is_file():
            found.update(file.read_bytes())
    return found.hexdigest()[:12]
