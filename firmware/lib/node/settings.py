"""The node's settings: one JSON file that `sensornett` compiles from the site's YAML.

New settings are on trial until a gateway was reached under them; a copy of the last that proved themselves
is kept, and the node goes back to it when the new ones can not be read, crash it, or leave it unheard.
"""

import hashlib
import json
import os

PATH = "/settings.json"
GOOD = "/settings.good"
BAD = "/settings.bad"  # given up or refused; kept for who wants to know why
TRIALS = 6  # conversations in a row that may fail under new settings


class Settings:
    """`values` is what the file says, `hash` the first four bytes of its SHA-256."""

    def __init__(self, values, hash, fresh):
        self.values = values
        self.hash = hash
        self.fresh = fresh  # read from PATH, not the kept copy


def check(values):
    """Raise ValueError where a node could not even start with these settings."""
    if not isinstance(values, dict):
        raise ValueError("settings are no map")
    if values.get("role") == "bridge":  # no node: see bridge.py
        if not isinstance(values.get("sx1262"), dict):
            raise ValueError("settings lack sx1262")
        return
    if values.get("role") == "stimulus":  # likewise: see stimulus.py
        if not isinstance(values.get("stimulus"), dict):
            raise ValueError("settings lack stimulus")
        return
    for key, kind in (("node", int), ("schema", int), ("interval_s", int), ("power", str), ("carrier", dict)):
        if not isinstance(values.get(key), kind):
            raise ValueError("settings lack " + key)
    if not 0 < values["interval_s"] <= 86400 or values["power"] not in ("battery", "mains"):
        raise ValueError("settings have an interval or a power that can not be")
    if not isinstance(values.get("channels"), list) or not values["channels"]:
        raise ValueError("settings have no channels")


def load():
    """Return the Settings; the kept copy where the file is of no use. Raises OSError without either."""
    for path in (PATH, GOOD):
        try:
            with open(path, "rb") as f:
                raw = f.read()
            values = json.loads(raw)
            check(values)
        except (OSError, ValueError) as error:
            print("settings", path, repr(error))
            continue
        return Settings(values, hashlib.sha256(raw).digest()[:4], path == PATH)
    raise OSError("no settings: provision this node")


def keep():
    """The settings have proved themselves: keep a copy."""
    part = bytearray(256)  # a node that has just spoken has little heap left in one piece
    with open(PATH, "rb") as source:
        with open(GOOD + ".new", "wb") as copy:
            while True:
                size = source.readinto(part)
                if not size:
                    break
                copy.write(memoryview(part)[:size])
    os.rename(GOOD + ".new", GOOD)


def give_up():
    """Go back to the kept copy from the next start on; False where there is none."""
    try:
        os.stat(GOOD)
        os.rename(PATH, BAD)
    except OSError:
        return False
    return True


def hash_of(path):
    """Return the hash of the settings in a file, None where there is none."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as f:
            while True:
                part = f.read(256)
                if not part:
                    return digest.digest()[:4]
                digest.update(part)
    except OSError:
        return None
