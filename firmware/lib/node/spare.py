"""A copy of the settings that worked, kept outside the file system beside the root key: see root.py."""

import hashlib
import os

import esp32

from node import settings

_PART = 256  # bytes of the settings in one entry: a node that has just spoken has no large piece of heap
_HASH, _SIZE = "hash", "size"


def keep(hash):
    """Keep the settings that worked, which have this hash, where they are not kept yet; False: in vain."""
    try:
        _keep(hash)
    except OSError:
        return False
    return True


def _keep(hash):
    nvs = esp32.NVS("node")
    held = bytearray(len(hash))
    try:
        nvs.get_blob(_HASH, held)
    except OSError:
        pass
    if held == hash:
        return
    nvs.set_i32(_SIZE, 0)  # until all of them are there
    size = 0
    with open(settings.GOOD, "rb") as f:
        while True:
            part = f.read(_PART)
            if not part:
                break
            nvs.set_blob("s%d" % (size // _PART), part)
            size += len(part)
    nvs.set_i32(_SIZE, size)
    nvs.set_blob(_HASH, hash)
    nvs.commit()


def restore():
    """Put the settings that worked back into the file system; returns whether there were any."""
    nvs = esp32.NVS("node")
    digest = hashlib.sha256()
    held = bytearray(4)
    part = bytearray(_PART)
    try:
        size = nvs.get_i32(_SIZE)
        nvs.get_blob(_HASH, held)
        with open(settings.PATH + ".new", "wb") as f:
            for i in range((size + _PART - 1) // _PART):
                length = nvs.get_blob("s%d" % i, part)
                digest.update(part[:length])
                f.write(part[:length])
    except OSError:
        return False
    if not size or digest.digest()[:4] != held:
        return False
    os.rename(settings.PATH + ".new", settings.PATH)
    return True
