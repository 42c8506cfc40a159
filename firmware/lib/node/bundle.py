"""A bundle on its way onto the node: received in pieces into a file, compared, unpacked into the spare slot.

A bundle is a file after the other: u8 length of the name, the name, u32 size (little-endian), the content.
Each step can be cut off at any moment and taken up again; nothing that a start may use is touched. One that
would not fit is refused before it begins; how much room there is by right: device_configs/compile.py.
"""

import hashlib
import os

import slots
from node.update import Refused

PIECE = 1024
AT_ONCE = 8  # pieces between two looks at clock and watchdog; then they are safe in flash
FILE_MEAN = 1250  # bytes of a program for each block it takes, folders too: most files are smaller than one
ASIDE = 8  # blocks for what else is written meanwhile
_PART = 512
_FOLDER = 0x4000


def path_of(manifest):
    return "/update." + manifest["sha256"][:8]


def held(manifest):
    """Return how many whole pieces have been received."""
    try:
        size = os.stat(path_of(manifest))[6]
    except OSError:
        return 0
    return pieces(manifest) if size == manifest["size"] else size // PIECE


def pieces(manifest):
    return -(-manifest["size"] // PIECE)


def receive(manifest, piece):
    """Append up to AT_ONCE pieces as `piece(n)` gives them; returns whether it gave all.

    One after the other: a node that has just had a conversation has no heap for two. Raises OSError, and
    Refused before the first piece where there is no room for the bundle and what it holds.
    """
    first = held(manifest)
    if not first:
        size = manifest["size"]
        _demand(-(-size // os.statvfs("/")[0]) + -(-size // FILE_MEAN))
    with open(path_of(manifest), "ab") as f:
        for n in range(first, min(first + AT_ONCE, pieces(manifest))):
            content = piece(n)
            if not content:
                return False
            f.write(content)
    return True


def tidy(keep=None):
    """Remove what earlier updates left, but for the bundle of the manifest `keep`."""
    for name in os.listdir("/"):
        if name.startswith("update.") and (keep is None or "/" + name != path_of(keep)):
            os.remove("/" + name)


def compare(manifest, feed):
    """Raise Refused, and start over next time, where what was received is not what was signed."""
    digest = hashlib.sha256()
    part = bytearray(_PART)
    with open(path_of(manifest), "rb") as f:
        while True:
            n = f.readinto(part)
            if not n:
                break
            digest.update(memoryview(part)[:n])
    if "".join(["%02x" % b for b in digest.digest()]) != manifest["sha256"]:
        os.remove(path_of(manifest))
        raise Refused("what arrived is not what was signed")


def launch(manifest, feed):
    """Unpack into the slot no start may use, and have it tried from the next start on. Raises Refused."""
    slot = slots.spare()
    try:
        _demand(_unpacked(manifest))
    except Refused:
        tidy()
        raise
    unpack(manifest, slot, feed)
    slots.try_out(slot, manifest["number"])


def _demand(blocks):
    """Raise Refused where there are not as many blocks, with those of the slot that will be emptied."""
    room = os.statvfs("/")
    there = room[3] + _taken("/" + slots.spare(), room[0])
    if there < blocks + ASIDE:
        kb = room[0] // 1024
        raise Refused(
            "it needs %d kB of flash, %d are free: new settings may keep a smaller ring of records"
            % ((blocks + ASIDE) * kb, there * kb)
        )


def _taken(path, block):
    """Return how many blocks a folder takes with all that is in it."""
    try:
        found = list(os.ilistdir(path))
    except OSError:
        return 0
    taken = 2
    for entry in found:
        if entry[1] == _FOLDER:
            taken += _taken(path + "/" + entry[0], block)
        else:
            taken += -(-os.stat(path + "/" + entry[0])[6] // block)
    return taken


def _unpacked(manifest):
    """Return how many blocks the bundle's files will take."""
    block, blocks, folders = os.statvfs("/")[0], 0, {""}
    with open(path_of(manifest), "rb") as f:
        while True:
            length = f.read(1)
            if not length:
                return blocks + 2 * len(folders)
            folders.add(f.read(length[0]).decode().rpartition("/")[0])
            size = int.from_bytes(f.read(4), "little")
            blocks += -(-size // block)
            f.seek(size, 1)


def unpack(manifest, slot, feed):
    """Unpack into /<slot>, emptied before; `feed()` is called often. Raises OSError, Refused."""
    _remove("/" + slot)
    os.mkdir("/" + slot)
    part = bytearray(_PART)
    with open(path_of(manifest), "rb") as f:
        while True:
            length = f.read(1)
            if not length:
                return
            name = f.read(length[0]).decode()
            left = int.from_bytes(f.read(4), "little")
            _folders("/" + slot, name)
            with open("/%s/%s" % (slot, name), "wb") as out:
                while left:
                    n = f.readinto(memoryview(part)[: min(left, _PART)])
                    if not n:
                        raise Refused("the bundle ends too early")
                    out.write(memoryview(part)[:n])
                    left -= n
            feed()


def _folders(root, name):
    parts = name.split("/")
    if ".." in parts or "" in parts:
        raise Refused("the bundle has a name that leads out of it")
    for i in range(1, len(parts)):
        try:
            os.mkdir(root + "/" + "/".join(parts[:i]))
        except OSError:
            pass  # it is there


def _remove(path):
    try:
        found = list(os.ilistdir(path))
    except OSError:
        return
    for entry in found:
        full = path + "/" + entry[0]
        if entry[1] == _FOLDER:
            _remove(full)
        else:
            os.remove(full)
    os.rmdir(path)
