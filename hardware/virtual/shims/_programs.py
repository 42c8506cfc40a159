# A board with two partitions for programs: a file beside that of the flash, both partitions and then otadata.
# What stands for the modules frozen into an image is a littlefs with blocks of 512 bytes, after the image's
# first 4096, at whose byte 64 its number of blocks stands.
import os
from struct import unpack

import _board_link as _link
import vfs
from _board_flash import Flash
from _partitions import BLOCK, Table

_SMALL = 512
_DEEPSLEEP_RESET = 4

_path = _link.image + ".programs"
_blocks = os.stat(_path)[6] // BLOCK
_each = (_blocks - 2) // 2
_flash = Flash(_path, _blocks, -1, False)
table = Table(_flash, [("ota_0", 0, _each), ("ota_1", _each, _each)], 2 * _each)
table.boot(_link.hello.reset_cause == _DEEPSLEEP_RESET)


class _Frozen:
    def __init__(self, first):
        self._first = first
        count = bytearray(4)
        _flash.readblocks(first, count, 64)
        self._count = unpack("<I", count)[0]

    def readblocks(self, n, buf, off=0):
        at = n * _SMALL + off
        _flash.readblocks(self._first + 1 + at // BLOCK, buf, at % BLOCK)

    def writeblocks(self, n, buf, off=0):
        raise OSError(30)

    def ioctl(self, op, arg):
        return {4: self._count, 5: _SMALL}.get(op, 0)


def mount(folder):
    vfs.mount(vfs.VfsLfs2(_Frozen(table.running[1])), folder, readonly=True)
