"""Who the node is: its key and everything that must never be forgotten without forgetting the key.

One record in one file, replaced as a whole. The frame counter lives beside the key because a counter
that restarts under an old key would repeat a nonce; losing the file loses both, and another life of the
node begins, with another key: see root.py.

Counters are reserved in blocks: the file holds the first counter that is *not* reserved yet, and a
cold boot goes on from there. At most one block is wasted for each power cut.
"""

import os
import struct
from binascii import crc32, unhexlify

from wire.seal import life_key

PATH = "/identity"
CLAIM = "/key.hex"  # left by provisioning: 32 hex digits, removed once it is taken over
BLOCK = 256  # one flash write a day at 10 min, and 24 bits last 160 years of daily power cuts

_FORMAT = "<4s16sII4s8sI4sHIH"
_MAGIC = b"SNi3"
_BEFORE = "<4s16sII4s8sI4sHI", b"SNi2"  # as it was before there were lives


class Unprovisioned(OSError):
    """There is no identity, nor a key to make one of."""


class Identity:
    def __init__(
        self,
        key,
        reserved=0,
        boots=0,
        gateway=bytes(4),
        store=bytes(8),
        epoch=0,
        good=bytes(4),
        unfinished=0,
        writes=0,
        life=0,
    ):
        self.key = key
        self.reserved = reserved  # first frame counter not reserved in flash
        self.boots = boots  # cold boots so far
        self.gateway = gateway  # the gateway and the store that welcomed this node; zeros: none has
        self.store = store
        self.epoch = epoch  # the epoch that store has registered; 0: none
        self.good = good  # hash of the settings under which a gateway was last reached; zeros: none yet
        self.unfinished = unfinished  # cold boots in a row whose first wake came to no end
        self.writes = writes  # files written to flash so far, see `Retained.writes`
        self.life = life  # which of the key's lives this is: see root.py

    def sealing_key(self):
        """Return the key of this life."""
        return life_key(self.key, self.life)

    def boot(self, state):
        """A cold boot: RTC memory is gone. Raises OSError where flash refuses."""
        self.boots += 1
        self.unfinished = min(self.unfinished + 1, 0xFFFF)
        state.clock = self.boots % 255 + 1
        state.counter = state.reserved = self.reserved
        self.save()

    def pack(self):
        body = struct.pack(
            _FORMAT,
            _MAGIC,
            self.key,
            self.reserved,
            self.boots,
            self.gateway,
            self.store,
            self.epoch,
            self.good,
            self.unfinished,
            self.writes,
            self.life,
        )
        return body + struct.pack("<I", crc32(body))

    def save(self):
        self.writes += 1
        with open(PATH + ".new", "wb") as f:
            f.write(self.pack())
        os.rename(PATH + ".new", PATH)


def unpack(raw):
    """Return the Identity in `raw`, or None where it is damaged."""
    body = raw[:-4]
    for form, magic in ((_FORMAT, _MAGIC), _BEFORE):
        if len(body) == struct.calcsize(form) and raw[:4] == magic:
            if struct.unpack("<I", raw[-4:])[0] == crc32(body):
                return Identity(*struct.unpack(form, body)[1:])
    return None


def _read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


def load():
    """Return the node's Identity, taking over a key that provisioning has left.

    Raises Unprovisioned where there is neither: the node was never provisioned, or its record is damaged.
    """
    found = unpack(_read(PATH))
    claim = _read(CLAIM).strip()
    if len(claim) == 32:
        key = unhexlify(claim)
        if found is None:
            found = Identity(key)
            found.save()
        elif found.key != key:
            # RTC memory may outlive the change: its copies of these numbers have to stay true.
            found = Identity(key, found.reserved, found.boots, writes=found.writes)
            found.save()
        os.remove(CLAIM)
    if found is None:
        raise Unprovisioned("no identity: provision this node")
    return found
