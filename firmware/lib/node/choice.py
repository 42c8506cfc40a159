"""Which carrier a node uses that has two: the first of its settings, the other while the first is dead.

After AFTER conversations in a row without an answer the node goes over to the other. From there it tries
the first now and then, less and less often while that stays in vain, and goes back once RETURNS tries in a
row were answered: a link that comes and goes does not make the node come and go with it. Where the other is
silent too, it begins again with the first.
"""

import struct

from node import retained
from wire import control

AFTER = 6
RETURNS = 3
WAIT = (6, 144)  # conversations over the other carrier between two tries: first, and at most
_FORMAT = "<BBBBB"


class Choice:
    """`note` is what `pack` returned before the sleep; losing it costs some conversations."""

    def __init__(self, note=b""):
        self.other = 0  # 1: the second carrier is the one in use
        self._missed = 0  # conversations in a row without an answer, over the one in use
        self._wait = 0  # conversations until the first is tried
        self._span = WAIT[0]
        self._answered = 0  # tries in a row that were answered
        if len(note) == struct.calcsize(_FORMAT):
            self.other, self._missed, self._wait, self._span, self._answered = struct.unpack(_FORMAT, note)

    def pack(self):
        return struct.pack(_FORMAT, self.other, self._missed, self._wait, self._span, self._answered)

    def pick(self, urgent=False):
        """Return which carrier to use now, 0 or 1; what is `urgent` is no time for a try."""
        return self.other if urgent or self._wait else 0

    def told(self, used, heard):
        """A conversation over `used` ended: answered, silent, or (None) without a question.

        Returns whether another carrier is in use from now on.
        """
        if used != self.other:
            return self._tried(heard)
        self._wait = max(self._wait - 1, 0)
        if heard is None:
            return False
        self._missed = 0 if heard else self._missed + 1
        if self._missed < AFTER:
            return False
        self._go(1 - self.other)
        return True

    def _tried(self, heard):
        if heard:
            self._answered += 1
            if self._answered == RETURNS:
                self._go(0)
                return True
        elif heard is not None:
            self._answered = 0
            self._span = min(2 * self._span, WAIT[1])
            self._wait = self._span
        return False

    def _go(self, to):
        self.other = to
        self._missed = self._answered = 0
        self._span = WAIT[0]
        self._wait = self._span if to else 0


# What app and mains ask; RTC memory keeps the choice.


def _of(node):
    return Choice(node.state.notes.get(retained.CHOICE, b""))


def pick(node, urgent):
    """Return the settings of the carrier to use now."""
    return node.config["fallback" if _of(node).pick(urgent) else "carrier"]


def told(node, heard):
    """A conversation over `node.way` ended like this: see Choice.told."""
    choice = _of(node)
    if choice.told(node.way is node.config["fallback"], heard):
        node.state.count(control.CARRIER)
    node.state.notes[retained.CHOICE] = choice.pack()
