# Runs in MicroPython: the flash of the tests that cut its power.
BLOCK = 4096


class Flash:
    """A block device in RAM; `journal` gets its operations as (place, content)."""

    def __init__(self, content, journal=None):
        self.content = content
        self.journal = [] if journal is None else journal

    def readblocks(self, n, buf, off=0):
        at = n * BLOCK + off
        buf[:] = self.content[at : at + len(buf)]

    def _operate(self, at, new):
        self.journal.append((at, bytes(new)))
        self.content[at : at + len(new)] = new

    def writeblocks(self, n, buf, off=None):
        if off is None:
            self._operate(n * BLOCK, b"\xff" * BLOCK)
            off = 0
        self._operate(n * BLOCK + off, buf)

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.content) // BLOCK
        if op == 5:
            return BLOCK
        if op == 6:
            self._operate(arg * BLOCK, b"\xff" * BLOCK)
        return 0
