# Runs in MicroPython: the flash of the tests that cut its power, and the cutting.
import random

import vfs

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


def cut_each(journal, content, share, check, forget=None):
    """Take the power before each operation of `journal` on `content` and in its midst, or a `share` of it.

    `check(flash, operations done)` raises what is wrong with what is left; `forget()` undoes what it noted.
    Returns how often the power went, and what was wrong.
    """
    cuts, told = 0, []
    for done, (at, new) in enumerate(journal):
        for torn in (False, True):
            if random.random() >= share:
                continue
            left = bytearray(content)
            if torn:
                left[at : at + len(new) // 2] = new[: len(new) // 2]
            cuts += 1
            try:
                check(left, done)
            except Exception as error:
                told.append("operation %d%s: %r" % (done, " torn" if torn else "", error))
                try:
                    vfs.umount("/")
                except OSError:
                    pass
            if forget:
                forget()
        content[at : at + len(new)] = new
    return cuts, told
