"""A full firmware image on its way into the partition that does not run, where a board has two of them.

It is written a block at a time, compared with what was signed, and started on trial: see slots.py. Whatever
breaks off is taken up again; the partition that runs is never written. A file says how many blocks are there.
"""

import hashlib
import os

from esp32 import Partition

import slots
from node.bundle import PIECE, path_of, pieces
from node.update import Refused

BLOCK = 4096
AT_ONCE = 2  # blocks between two looks at clock and watchdog
_PIECES = BLOCK // PIECE
_PART = 512


def spare(manifest):
    """Return the partition that does not run. Raises Refused where there is none, or it is too small."""
    try:
        running = Partition(Partition.RUNNING)  # type: ignore[arg-type]  # the stubs know labels only
        found = running.get_next_update()
    except OSError:
        raise Refused("this board has no second partition for programs: full images go onto it by cable")
    if manifest["size"] > found.info()[3]:
        raise Refused("it is %d bytes, the partition has %d" % (manifest["size"], found.info()[3]))
    return found


def _blocks(manifest):
    try:
        with open(path_of(manifest)) as f:
            return int(f.read())
    except (OSError, ValueError):
        return 0


def held(manifest):
    """Return how many pieces are in the partition."""
    return min(_blocks(manifest) * _PIECES, pieces(manifest))


def receive(manifest, piece):
    """Write up to AT_ONCE blocks from `piece(n)`; returns whether it gave all. Raises OSError, Refused."""
    there = spare(manifest)
    block = bytearray(BLOCK)
    first, last = _blocks(manifest), -(-manifest["size"] // BLOCK)
    for n in range(first, min(first + AT_ONCE, last)):
        size = 0
        for k in range(n * _PIECES, min((n + 1) * _PIECES, pieces(manifest))):
            content = piece(k)
            if not content:
                return False
            block[size : size + len(content)] = content
            size += len(content)
        for i in range(size, BLOCK):
            block[i] = 0xFF
        there.writeblocks(n, block)
        path = path_of(manifest)
        with open(path + ".new", "w") as f:
            f.write(str(n + 1))
        os.rename(path + ".new", path)
    return True


def compare(manifest, feed):
    """Raise Refused, and start over next time, where what was written is not what was signed."""
    there = spare(manifest)
    digest = hashlib.sha256()
    part = bytearray(_PART)
    for at in range(0, manifest["size"], _PART):
        there.readblocks(at // BLOCK, part, at % BLOCK)
        digest.update(memoryview(part)[: min(_PART, manifest["size"] - at)])
        if at % 65536 == 0:
            feed()
    if "".join(["%02x" % b for b in digest.digest()]) != manifest["sha256"]:
        os.remove(path_of(manifest))
        raise Refused("what arrived is not what was signed")


def launch(manifest, feed):
    """From the next reset on the image is on trial. Raises Refused where the chip does not take it."""
    there = spare(manifest)
    if not slots.try_image(there.info()[4], manifest["number"]):
        raise Refused("%d has been started and came back each time" % manifest["number"])
    try:
        there.set_boot()
    except OSError:
        os.remove(path_of(manifest))
        raise Refused("the chip finds no program in it")
