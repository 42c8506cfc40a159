"""What happens to a meter's registers beside counting: reset, rollover, another meter, a jump.

Each is an event with its time, what the register showed before and after, and which meter. The gateway hears
of it in each STATUS until it has answered one (wire/SPEC.md, REGISTERS), and once more after each start; a
file keeps the newest over a power cut. Before the first look the archive says what was shown last, so
that a meter that was changed while the node had no supply is noticed too.

A meter's number names a customer and stays on the node. What is told of it is a *mark*: the first bytes of
the SHA-256 of the node's key and the number. It tells one meter from another, and names none.
"""

import hashlib
import os
import struct
from binascii import crc32

from drivers.han_registers import CONSUMED, IMPLAUSIBLE, RESET, ROLLOVER, SWAP, register_step
from wire import control
from wire.frame import FrameError
from wire.quantities import ESTIMATED, OK, OUT_OF_RANGE

PATH = "/archive/events"
KEPT = 4  # of the newest: as many as fit a STATUS
MOST_W = 2000000  # more than any connection with a HAN port carries
KINDS = {RESET: 1, ROLLOVER: 2, SWAP: 3, IMPLAUSIBLE: 4}  # as the wire has them
MARK_SIZE = 4
_USABLE = (OK, OUT_OF_RANGE, ESTIMATED)


def mark_of(key, meter_id):
    """Return the mark of a meter, None where it does not say who it is."""
    if meter_id is None:
        return None
    raw = meter_id if isinstance(meter_id, bytes) else meter_id.encode()
    return hashlib.sha256(key + raw).digest()[:MARK_SIZE]


class Registers:
    """Compares each reading with the one before. `known` and `mark`: what the archive has of the last one."""

    def __init__(self, positions, known, mark):
        self._positions = positions
        # position -> (value, seconds of the node's clock: None before this start, mark of the meter)
        self._last = {i: (known[i], None, mark) for i in known}

    def look(self, now_s, stamp, values, quality, mark):
        """Return the events of this reading: [time, clock, kind, mark before, mark after, registers].

        `registers` are [channel, before, after]; `now_s` is of the node's clock, which nothing sets; `stamp`
        is (seconds, clock id or None) as the record has it.
        """
        found: "dict" = {}
        for i in self._positions:
            value = values[i]
            if value is None or quality[i] not in _USABLE:
                continue
            if i in self._last:
                before, at_s, whose = self._last[i]
                same = whose is None or mark is None or whose == mark
                elapsed_s = None if at_s is None else now_s - at_s
                step, _ = register_step(before, value, elapsed_s=elapsed_s, most_w=MOST_W, same_meter=same)
                if step != CONSUMED:
                    event = found.setdefault(step, [stamp[0], stamp[1] or 0, KINDS[step], whose, mark, []])
                    event[5].append([i, before, value])
                mark_now = mark or whose
            else:
                mark_now = mark
            self._last[i] = (value, now_s, mark_now)
        return [found[step] for step in sorted(found)]


class Events:
    """The newest events, kept in flash: `kept`, oldest first."""

    def __init__(self, path=PATH):
        self._path = path
        self.kept: "list" = []
        self.told_to = None  # the store that has answered a STATUS with all of them

    def recover(self):
        """Read what was kept; nothing where the file is missing or damaged."""
        try:
            with open(self._path, "rb") as f:
                raw = f.read()
            if raw[-4:] == struct.pack("<I", crc32(raw[:-4])):
                self.kept = control.decode(raw[:-4])[control.REGISTERS]  # type: ignore[assignment]
        except (OSError, FrameError, KeyError):
            pass

    def add(self, events):
        """Keep `events`; returns those that were not known. Raises OSError.

        A power cut between this and the archive makes the next start see the same event again.
        """
        fresh = [event for event in events if not self._is_known(event)]
        if fresh:
            self.kept = (self.kept + fresh)[-KEPT:]
            self.told_to = None
            raw = control.encode({control.REGISTERS: self.kept})
            with open(self._path + ".new", "wb") as f:
                f.write(raw + struct.pack("<I", crc32(raw)))
            os.rename(self._path + ".new", self._path)
        return fresh

    def untold(self, store, roomy):
        """Return what this store has not answered yet; where there is little room the newest, in short."""
        if not self.kept or self.told_to == store:
            return ()
        return self.kept if roomy else [self.kept[-1][:5] + [self.kept[-1][5][:1]]]

    def _is_known(self, event):
        before = [register[:2] for register in event[5]]
        for old in self.kept:
            if old[2:5] == event[2:5] and [register[:2] for register in old[5]] == before:
                return True
        return False
