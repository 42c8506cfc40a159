"""New settings on their way to the node, piece by piece in the answers to its STATUS frames.

They come whole, or as what is different from those it has: then a piece or two is all of it, as a radio can
afford. A note in RTC memory says how far they are; losing it begins them anew. Complete, they take the place
of the old ones at the next start, and are on trial then: see settings.py.
"""

import gc
import hashlib
import json
import os
import struct

from node import retained, settings
from wire.changes import HASH_SIZE, HEAD_SIZE, parts

PART = "/settings.part"
MADE = "/settings.new"  # out of the old ones and PART
SIZE_MAX = 8000
COPY = 128  # bytes at a time: a node that has just spoken has little heap left in one piece
_FORMAT = "<4sHH"


def want(state):
    """Return [hash, bytes held] of what is coming, None where nothing is."""
    note = state.notes.get(retained.INCOMING)
    return None if note is None else list(struct.unpack(_FORMAT, note)[:2])


def take(state, node, piece, changes=False):
    """Take [hash, size of the whole, offset, content]; returns whether new settings are in place now.

    `changes`: it is a piece of what makes them out of those in use.

    What does not follow on what is held is left out: the next STATUS asks for the right place. Raises
    ValueError for settings that this node could not start with or has given up before, OSError from flash.
    """
    hash, size, offset, content = piece
    if not (len(hash) == 4 and 0 < size <= SIZE_MAX and content and offset + len(content) <= size):
        raise ValueError("a piece of settings that can not be")
    held = want(state)
    if offset == 0:
        target = _new_hash(content) if changes else hash
        if _hash_of(settings.BAD) == target:
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
    path = _make() if changes else PART
    gc.collect()
    with open(path, "rb") as f:
        values = json.load(f)
    settings.check(values)
    if values["node"] != node:
        raise ValueError("settings of another node")
    os.rename(path, settings.PATH)
    return True


def _new_hash(content):
    """Return which settings these changes make; ValueError where they are not of the settings in use."""
    if len(content) < HEAD_SIZE:
        raise ValueError("changes that begin with too little")
    _old(content)
    return content[HASH_SIZE:HEAD_SIZE]


def _old(changes):
    for path in (settings.PATH, settings.GOOD):
        if _hash_of(path) == changes[:HASH_SIZE]:
            return path
    raise ValueError("changes of other settings")


def _make():
    """Make the new settings; return the file they are in."""
    with open(PART, "rb") as f:
        changes = f.read()
    old = _old(changes)
    with open(old, "rb") as source:
        with open(MADE, "wb") as made:
            for part in parts(changes, os.stat(old)[6]):
                if isinstance(part, tuple):
                    source.seek(part[0])
                    _copy(source, made, part[1])
                else:
                    made.write(part)
    if _hash_of(MADE) != changes[HASH_SIZE:HEAD_SIZE]:
        raise ValueError("the changes do not make what was meant")
    os.remove(PART)
    return MADE


def _copy(source, made, size):
    while size:
        part = source.read(min(size, COPY))
        made.write(part)
        size -= len(part)


def _hash_of(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as f:
            while True:
                part = f.read(COPY)
                if not part:
                    return digest.digest()[:4]
                digest.update(part)
    except OSError:
        return None
