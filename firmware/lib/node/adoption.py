"""New settings that have come take the place of the old ones, at a start that is for nothing else.

Before sampling and radio are loaded there is heap to put them together and to read them. A note in RTC memory
says that they are complete; losing it begins them anew. From the next start on they are on trial: see
settings.py. Those this node could not use are put aside, so that they are not taken again.
"""

import json
import os

from node import incoming, log, retained, settings
from wire import control
from wire.changes import HASH_SIZE, HEAD_SIZE, parts

MADE = "/settings.new"  # out of the old ones and what came
COPY = 128  # bytes at a time


def adopt(node):
    """Have the settings that came used from the next start on, or count why not."""
    note = node.state.notes.pop(retained.ARRIVED)
    node.remember()  # whatever becomes of it, it is tried once
    try:
        put_in_place(note[:4], note[4], node.config["node"])
        log("new settings")
    except (OSError, MemoryError) as error:  # there is another time
        node.flash_failed(error)
    except ValueError as error:
        log("settings refused:", error)
        node.state.count(control.REFUSED)
    node.done()
    node.remember()


def put_in_place(hash, changes, node):
    """Put what came (with this hash) in place for node number `node`. Raises ValueError, OSError."""
    if settings.hash_of(incoming.PART) != hash:
        raise ValueError("what came is not what was meant")
    path = _make() if changes else incoming.PART
    try:
        with open(path, "rb") as f:
            values = json.load(f)
        settings.check(values)
        if values["node"] != node:
            raise ValueError("settings of another node")
    except ValueError:
        os.rename(path, settings.BAD)
        raise
    os.rename(path, settings.PATH)


def _make():
    """Make the new settings; return the file they are in."""
    with open(incoming.PART, "rb") as f:
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
    if settings.hash_of(MADE) != changes[HASH_SIZE:HEAD_SIZE]:
        raise ValueError("the changes do not make what was meant")
    os.remove(incoming.PART)
    return MADE


def _old(changes):
    for path in (settings.PATH, settings.GOOD):
        if settings.hash_of(path) == changes[:HASH_SIZE]:
            return path
    raise ValueError("changes of other settings")


def _copy(source, made, size):
    while size:
        part = source.read(min(size, COPY))
        made.write(part)
        size -= len(part)
