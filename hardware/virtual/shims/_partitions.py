# The ESP32's partitions of type app, what says which of them starts, and the bootloader that reads it.
# Sources: MicroPython's documentation of esp32.Partition; Espressif's of app_update and the bootloader
# ("Rollback Process", "OTA data partition"). Pure: the flash is whatever has readblocks and writeblocks.
from binascii import crc32
from struct import pack, unpack

BLOCK = 4096
NEW, PENDING, VALID, INVALID, ABORTED = 0, 1, 2, 3, 4
_ENTRY = "<I20sII"  # sequence number, label, state, CRC of the sequence number
_MAGIC = 0xE9
NOT_FOUND = 2  # ENOENT: MicroPython's own, where there is no such partition
VALIDATE_FAILED = -0x1503  # ESP_ERR_OTA_VALIDATE_FAILED


class Table:
    # `layout` is [(label, first block, blocks)]; `otadata` the first of two blocks, None: one program only.
    def __init__(self, flash, layout, otadata=None):
        self.flash = flash
        self.layout = layout
        self._otadata = otadata
        self.running = layout[0]

    def _entry(self, n):
        raw = bytearray(32)
        self.flash.readblocks(self._otadata + n, raw, 0)
        sequence, _, state, crc = unpack(_ENTRY, raw)
        good = sequence != 0xFFFFFFFF and crc == _crc(sequence) and state not in (INVALID, ABORTED)
        return (sequence, state) if good else None

    def _newest(self):
        # (which of the two entries, sequence number, state), or None
        found = [(entry[0], n, entry[1]) for n, entry in ((n, self._entry(n)) for n in (0, 1)) if entry]
        if not found:
            return None
        sequence, n, state = max(found)
        return n, sequence, state

    def _write(self, n, sequence, state):
        raw = pack(_ENTRY, sequence, b"\xff" * 20, state, _crc(sequence))
        self.flash.writeblocks(self._otadata + n, raw + b"\xff" * (BLOCK - len(raw)))

    def boot(self, asleep=False):
        # What the bootloader does after every reset, with rollback enabled.
        # Out of deep sleep it judges nothing.
        if self._otadata is None:
            self.running = self.layout[0]
            return
        for n in () if asleep else (0, 1):
            entry = self._entry(n)
            if entry and entry[1] == PENDING:
                self._write(n, entry[0], ABORTED)  # it was started once and did not call itself valid
        found = self._newest()
        if found and found[2] == NEW and not asleep:
            self._write(found[0], found[1], PENDING)
        self.running = self.layout[(found[1] - 1) % len(self.layout)] if found else self.layout[0]
        if not self.whole(self.running):
            self.running = next(one for one in self.layout if self.whole(one))

    def whole(self, place):
        raw = bytearray(1)
        self.flash.readblocks(place[1], raw, 0)
        return raw[0] == _MAGIC

    def choose(self, place):
        if not self.whole(place):
            raise OSError(VALIDATE_FAILED, "ESP_ERR_OTA_VALIDATE_FAILED")
        if self._otadata is None:
            return
        found = self._newest()
        sequence = found[1] + 1 if found else 1
        while (sequence - 1) % len(self.layout) != self.layout.index(place):
            sequence += 1
        self._write(1 - found[0] if found else 0, sequence, NEW)

    def mark_valid(self):
        found = self._newest() if self._otadata is not None else None
        if found and found[2] != VALID:
            self._write(found[0], found[1], VALID)


def _crc(sequence):
    return crc32(pack("<I", sequence), 0xFFFFFFFF) & 0xFFFFFFFF


def partition_of(table):
    # esp32.Partition over a table

    class Partition:
        BOOT = 0
        RUNNING = 1
        TYPE_APP = 0
        TYPE_DATA = 1

        def __init__(self, id, block_size=BLOCK):
            if isinstance(id, str):
                found = [one for one in table.layout if one[0] == id]
                if not found:
                    raise OSError(NOT_FOUND)
                self._place = found[0]
            else:
                self._place = table.running

        @classmethod
        def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=BLOCK):
            if type != cls.TYPE_APP:
                return []
            return [cls(one[0]) for one in table.layout if label in (None, one[0])]

        @classmethod
        def mark_app_valid_cancel_rollback(cls):
            table.mark_valid()

        def info(self):
            label, first, blocks = self._place
            subtype = 0x10 + table.layout.index(self._place) if len(table.layout) > 1 else 0
            return (0, subtype, first * BLOCK, blocks * BLOCK, label, False)

        def get_next_update(self):
            if len(table.layout) < 2:
                raise OSError(NOT_FOUND)
            after = (table.layout.index(self._place) + 1) % len(table.layout)
            return Partition(table.layout[after][0])

        def set_boot(self):
            table.choose(self._place)

        def _check(self, n, size):
            if not 0 <= n * BLOCK <= self._place[2] * BLOCK - size:
                raise OSError(-0x104, "ESP_ERR_INVALID_SIZE")

        def readblocks(self, n, buf, off=0):
            self._check(n, off + len(buf))
            table.flash.readblocks(self._place[1] + n, buf, off)

        def writeblocks(self, n, buf, off=None):
            self._check(n, (off or 0) + len(buf))
            if off is not None:
                table.flash.writeblocks(self._place[1] + n, buf, off)
                return
            for i in range(0, len(buf), BLOCK):
                table.flash.writeblocks(self._place[1] + n + i // BLOCK, memoryview(buf)[i : i + BLOCK])

        def ioctl(self, op, arg):
            if op == 4:
                return self._place[2]
            if op == 5:
                return BLOCK
            if op == 6:
                table.flash.ioctl(6, self._place[1] + arg)
            return 0

    return Partition
