"""What outlives the file system: the node's key, in non-volatile storage (NVS). The settings: see spare.py.

A file system can be lost: a brown-out in the midst of a write, and MicroPython makes a new, empty one. The
frame counter is lost with it, so what the key was used for is not known any more, and it is not used again.
Instead another *life* begins, whose key is made of the provisioned one and the number of the life. That is in
NVS before the first frame of the life is sealed, and never goes back. A life also ends with its counter.
"""

import struct

import esp32

from node import retained
from node.identity import Identity

LIFE_MAX = 0xFFFF
_ROOT = "root"
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
            from node import spare

            spare.keep(me.good)
        return me, state
    else:
        found = me
    # The files are gone, or older than what was sent since.
    next_life(found)
    fresh = retained.Retained()
    if retained.AIRTIME in state.notes:
        fresh.notes[retained.AIRTIME] = state.notes[retained.AIRTIME]
    return found, fresh
