"""What outlives the file system: the node's key and the settings that worked, in non-volatile storage (NVS).

A file system can be lost: a brown-out in the midst of a write, and MicroPython makes a new, empty one. The
frame counter is lost with it, so what the key was used for is not known any more, and it is not used again.
Instead another *life* begins, whose key is made of the provisioned one and the number of the life. That is in
NVS before the first frame of the life is sealed, and never goes back. A life also ends with its counter.
"""

import hashlib
import os
import struct

import esp32

from node import retained, settings
from node.identity import Identity

LIFE_MAX = 0xFFFF
_PART = 256  # bytes of the settings in one entry: a node that has just spoken has no large piece of heap
_ROOT, _HASH, _SIZE = "root", "hash", "size"
_FORMAT = "<16sH"
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND


def _nvs():
    return esp32.NVS("node")


def _read():
    """Return (key, life), None where there never was any. Raises OSError where it can not be known."""
    raw = bytearray(struct.calcsize(_FORMAT))
    try:
        _nvs().get_blob(_ROOT, raw)
    except OSError as error:
        if error.args[0] != _NOT_FOUND:
            raise
        return None
    return struct.unpack(_FORMAT, raw)


def _write(key, life):
    nvs = _nvs()
    nvs.set_blob(_ROOT, struct.pack(_FORMAT, key, life))
    nvs.commit()


def next_life(me):
    """Begin another life of `me`, whose counters begin anew. Raises OSError: then the old one goes on."""
    held = _read()
    life = me.life + 1
    if held is not None and held[0] == me.key:
        life = max(life, held[1] + 1)
    if life > LIFE_MAX:
        raise OSError("the key is used up: provision this node with a new one")
    _write(me.key, life)  # from here on no frame of an earlier life will ever be sealed
    me.life, me.reserved = life, 0
    me.gateway, me.store, me.epoch = bytes(4), bytes(8), 0
    me.save()


def settle(me, state):
    """Return (identity, state) to begin a start with that is no wake, where files gave `me`, or None.

    The state is another one where a life begins. Without an identity in NVS either, the first is None.
    """
    try:
        return _settle(me, state)
    except OSError as error:  # what the files say is all there is
        print("nvs", repr(error))
        return me, state


def _settle(me, state):
    held = _read()
    if me is None:
        if held is None:
            return None, state
        found = Identity(held[0], life=held[1])
    elif held is None or held[0] != me.key or held[1] <= me.life:
        if held != (me.key, me.life):
            _write(me.key, me.life)
        if me.good != bytes(4):
            keep_settings(me.good)
        return me, state
    else:
        found = me
    # The files are gone, or older than what was sent since.
    next_life(found)
    fresh = retained.Retained()
    if retained.AIRTIME in state.notes:
        fresh.notes[retained.AIRTIME] = state.notes[retained.AIRTIME]
    return found, fresh


def keep_settings(hash):
    """Keep the settings that worked, which have this hash, where they are not kept yet; False: in vain."""
    try:
        _keep_settings(hash)
    except OSError:
        return False
    return True


def _keep_settings(hash):
    nvs = _nvs()
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


def restore_settings():
    """Put the settings that worked back into the file system; returns whether there were any."""
    nvs = _nvs()
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
