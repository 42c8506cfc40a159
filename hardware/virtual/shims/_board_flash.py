# The node's flash: one file for its content, a second with a pair of u32 (erases, writes) per block, so
# that the wear survives whatever happens to the interpreter. Extended block protocol, as the ESP32's
# Partition.
from struct import pack_into, unpack_from

import _board_link as link
import _board_ops as ops

BLOCK = 4096
_ERASED = b"\xff" * BLOCK  # once: the firmware's heap may have no room for it later


class Flash:
    def __init__(self, image, blocks, cut_after, torn):
        self._image = open(image, "r+b", buffering=0)
        self._wear = open(image + ".wear", "r+b", buffering=0)
        self._blocks = blocks
        self._left = cut_after
        self._torn = torn
        self._count = bytearray(4)

    def readblocks(self, n, buf, off=0):
        self._image.seek(n * BLOCK + off)
        self._image.readinto(buf)

    def writeblocks(self, n, buf, off=None):
        if off is None:
            off = 0
            self._operate(n, 0, 0, _ERASED)
        self._operate(n, 4, off, buf)

    def _operate(self, n, counter, off, content):
        last = self._left == 1
        if self._left > 0:
            self._left -= 1
        self._image.seek(n * BLOCK + off)
        if not last:
            self._image.write(content)
        elif self._torn:
            self._image.write(memoryview(content)[: len(content) // 2])
        self._wear.seek(n * 8 + counter)
        self._wear.readinto(self._count)
        pack_into("<I", self._count, 0, unpack_from("<I", self._count, 0)[0] + 1)
        self._wear.seek(n * 8 + counter)
        self._wear.write(self._count)
        if last:
            link.call(ops.POWER_LOST)

    def ioctl(self, op, arg):
        if op == 4:
            return self._blocks
        if op == 5:
            return BLOCK
        if op == 6:
            self._operate(arg, 0, 0, _ERASED)
        return 0
