"""The node's settings: one JSON file that `sensornett` compiles from the site's YAML."""

import hashlib
import json

PATH = "/settings.json"


def load(path=PATH):
    """Return (settings, first four bytes of the file's SHA-256). Raises OSError or ValueError."""
    with open(path, "rb") as f:
        raw = f.read()
    return json.loads(raw), hashlib.sha256(raw).digest()[:4]
