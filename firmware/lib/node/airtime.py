"""How much airtime the node has left in each sub-band. Pure but for the purse, which is a file.

The ledgers live in RTC memory, which survives every reset but not a power cut. So that switching a node off
and on gives it nothing, a quarter of each hour's airtime is set apart: the *purse*, in flash. A cold start
takes half of what is in it, and that is all the node has for the next hour; the purse is filled again once
the node has been up for an hour. In any hour, then, there is at most three quarters by the ledger and a
quarter from the purse, however often the power fails.
"""

import os
import struct
from binascii import crc32

from wire.airtime import HOUR_S, LEDGER_BYTES, Ledger, limit_ms

PATH = "/purse"
FULL = 250  # permille of an hour's limit
_HEAD = "<IHB"


class Airtime:
    """The node's ledgers. `begun_s` is the node's clock at its cold start, `grant` what the purse gave."""

    def __init__(self):
        self.begun_s = 0
        self.grant = FULL
        self._ledgers = {}  # by sub-band

    def start_cold(self, now_s, path=PATH):
        """The node has lost its ledgers: take half of the purse."""
        held = _read(path)
        self.grant = held // 2
        self.begun_s = now_s
        self._ledgers = {}
        _write(path, held - self.grant)

    def refill(self, now_s, path=PATH):
        """Fill the purse again where an hour has passed since the cold start."""
        if self.grant < FULL and now_s - self.begun_s > HOUR_S:
            _write(path, FULL)
            self.grant = FULL

    def _ledger(self, band):
        ledger = self._ledgers.get(band)
        if ledger is None:
            whole = limit_ms(band)
            ledger = self._ledgers[band] = Ledger(whole - whole * FULL // 1000)
            if self.grant < FULL:  # nobody knows what was sent before the power went
                ledger.spend(self.begun_s, ledger.limit - whole * self.grant // 1000)
        return ledger

    def spare_ms(self, band, now_s):
        """Return how many ms may be spent in a sub-band now."""
        return self._ledger(band).spare_ms(now_s)

    def spend(self, band, now_s, ms):
        """Enter airtime that is about to be used. ValueError where there is not enough."""
        ledger = self._ledger(band)
        if ms > ledger.spare_ms(now_s):
            raise ValueError("no airtime left")
        ledger.spend(now_s, ms)

    def pack(self):
        out = bytearray(struct.pack(_HEAD, self.begun_s, self.grant, len(self._ledgers)))
        for band, ledger in self._ledgers.items():
            out.append(band)
            out += ledger.pack()
        return bytes(out)

    def unpack(self, raw):
        """Go on from what `pack` gave."""
        self.begun_s, self.grant, count = struct.unpack(_HEAD, raw[:7])
        self._ledgers = {}
        for at in range(7, 7 + count * (1 + LEDGER_BYTES), 1 + LEDGER_BYTES):
            whole = limit_ms(raw[at])
            ledger = self._ledgers[raw[at]] = Ledger(whole - whole * FULL // 1000)
            ledger.unpack(raw[at + 1 : at + 1 + LEDGER_BYTES])


def _read(path):
    """Return the purse in permille: full where there never was one, empty where it is damaged."""
    try:
        with open(path, "rb") as f:
            raw = f.read()
    except OSError:
        return FULL
    if len(raw) != 6 or struct.unpack("<I", raw[2:])[0] != crc32(raw[:2]):
        return 0
    return min(struct.unpack("<H", raw[:2])[0], FULL)


def _write(path, permille):
    body = struct.pack("<H", permille)
    with open(path + ".new", "wb") as f:
        f.write(body + struct.pack("<I", crc32(body)))
    os.rename(path + ".new", path)
