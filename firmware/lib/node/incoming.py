"""New settings on their way to the node, piece by piece in the answers to its STATUS frames.

A note in RTC memory says how far they are; losing it begins them anew. Whole, they take the place of the old
ones at the next start, and are on trial then: see settings.py.
"""

import hashlib
import json
import os
import struct

from node import retained, settings

PART = "/settings.part"
SIZE_MAX = 8000
_FORMAT = "<4sHH"


def want(state):
    """Return [hash, bytes held] of the settings that are coming, None where none are."""
    note = state.notes.get(retained.INCOMING)
    return None if note is None else list(struct.unpack(_FORMAT, note)[:2])


def take(state, node, piece):
    """Take [hash, size of the whole, offset, content]; returns whether all of them are in place now.

    What does not follow on what is held is left out: the next STATUS asks for the right place. Raises
    ValueError for settings that this node could not start with or has given up before, OSError from flash.
    """
    hash, size, offset, content = piece
    if not (len(hash) == 4 and 0 < size <= SIZE_MAX and content and offset + len(content) <= size):
        raise ValueError("a piece of settings that can not be")
    held = want(state)
    if offset == 0:
        if _hash_of(settings.BAD) == hash:
            raise ValueError("these settings were given up before")
    elif held != [hash, offset]:
        return False
    with open(PART, "ab" if offset else "wb") as f:
        f.write(content)
    state.notes[retained.INCOMING] = struct.pack(_FORMAT, hash, offset + len(content), size)
    if offset + len(content) < size:
        return False
    del state.notes[retained.INCOMING]
    if _hash_of(PART) != hash:
        raise ValueError("the settings that came are not those that were meant")
    with open(PART, "rb") as f:
        values = json.loads(f.read())
    settings.check(values)
    if values["node"] != node:
        raise ValueError("settings of another node")
    os.rename(PART, settings.PATH)
    return True


def _hash_of(path):
    try:
        with open(path, "rb") as f:
            return hashlib.sha256(f.read()).digest()[:4]
    except OSError:
        return None
