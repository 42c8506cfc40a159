"""A bundle on its way onto the node: received in pieces into a file, compared, unpacked into the spare slot.

A bundle is a file after the other: u8 length of the name, the name, u32 size (little-endian), the content.
Each step can be cut off at any moment and taken up again; nothing that a start may use is touched.
"""

import hashlib
import os

import slots
from node.update import Refused

PIECE = 1024
AT_ONCE = 8  # pieces between two looks at clock and watchdog; then they are safe in flash
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
    """Append up to AT_ONCE pieces as `piece(n)` gives them; returns whether it gave all. Raises OSError.

    One after the other: a node that has just had a conversation has no heap for two.
    """
    first = held(manifest)
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
    """Unpack into the slot no start may use, and have it tried from the next start on."""
    slot = slots.spare()
    unpack(manifest, slot, feed)
    slots.try_out(slot, manifest["number"])


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
