# The ESP32 port's esp32 module: non-volatile storage, wake-up sources, partitions.
from struct import pack, unpack

import _board_link as _link
import _board_ops as _ops
from _board_pin import number as _number
from _partitions import Table, partition_of

WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True
HEAP_DATA = 4
HEAP_EXEC = 1


class NVS:
    def __init__(self, namespace):
        if len(namespace) > 15:
            raise OSError(-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
        self._prefix = namespace.encode() + b"\0"

    def _name(self, kind, key):
        return kind + self._prefix + key.encode() + b"\0"

    def set_i32(self, key, value):
        _link.call(_ops.NVS_SET, self._name(b"i", key) + pack("<i", value))

    def get_i32(self, key):
        return unpack("<i", _link.call(_ops.NVS_GET, self._name(b"i", key)))[0]

    def set_blob(self, key, value):
        _link.call(_ops.NVS_SET, self._name(b"b", key) + value)

    def get_blob(self, key, buffer):
        value = _link.call(_ops.NVS_GET, self._name(b"b", key))
        if len(value) > len(buffer):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        _link.call(_ops.NVS_ERASE, self._name(b"?", key))

    def commit(self):
        _link.call(_ops.NVS_COMMIT)


def wake_on_ext0(pin=None, level=None):
    _link.call(_ops.WAKE_ON_PIN, b"" if pin is None else bytes((1 if level else 0, _number(pin))))


def wake_on_ext1(pins=None, level=None):
    _link.call(_ops.WAKE_ON_PIN, bytes((1 if level else 0,)) + bytes(_number(pin) for pin in pins or ()))


def wake_on_touch(wake):
    pass


def wake_on_ulp(wake):
    pass


def gpio_deep_sleep_hold(enable):
    pass


def raw_temperature():
    # degrees Fahrenheit of the die, as the chip gives it
    return 113


def idf_heap_info(capabilities):
    return [(163840, 90112, 65536, 81920)]


def _table():
    try:
        open(_link.image + ".programs").close()
    except OSError:
        # MicroPython's stock builds: one program, so nothing to update in the background.
        return Table(None, [("factory", 0x10, 0x1F0)])
    from _programs import table

    return table


Partition = partition_of(_table())
