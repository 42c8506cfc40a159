"""New settings on their way to the node, piece by piece in the answers to its STATUS frames.

They come whole, or as what is different from those it has: then a piece or two is all of it, as a radio can
afford. A note in RTC memory says how far they are; losing it begins them anew. Complete, they wait for the
next start: see adoption.py.
"""

import struct

from node import retained, settings
from wire.changes import HASH_SIZE, HEAD_SIZE

PART = "/settings.part"
SIZE_MAX = 8000
_FORMAT = "<4sHH"


def want(state):
    """Return [hash, bytes held] of what is coming, None where nothing is."""
    note = state.notes.get(retained.INCOMING)
    return None if note is None else list(struct.unpack(_FORMAT, note)[:2])


def take(state, piece, changes=False):
    """Take [hash, size of the whole, offset, content]; returns whether all of it is here now.

    `changes`: it is a piece of what makes new settings out of those in use.

    What does not follow on what is held is left out: the next STATUS asks for the right place. Raises
    ValueError for settings that this node has given up before, OSError from flash.
    """
    hash, size, offset, content = piece
    if not (len(hash) == 4 and 0 < size <= SIZE_MAX and content and offset + len(content) <= size):
        raise ValueError("a piece of settings that can not be")
    if offset == 0:
        if settings.hash_of(settings.BAD) == (content[HASH_SIZE:HEAD_SIZE] if changes else hash):
            raise ValueError("these settings were given up before")
    elif want(state) != [hash, offset]:
        return False
    with open(PART, "ab" if offset else "wb") as f:
        f.write(content)
    if offset + len(content) < size:
        state.notes[retained.INCOMING] = struct.pack(_FORMAT, hash, offset + len(content), size)
        return False
    state.notes.pop(retained.INCOMING, None)
    state.notes[retained.ARRIVED] = hash + bytes((changes,))
    return True
