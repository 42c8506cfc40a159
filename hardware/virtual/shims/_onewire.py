# The bit and byte level of 1-Wire: time slots on a pin, and the bus's checksum.
import _board_link as link
import _board_ops as ops
from _board_pin import number


def reset(pin):
    return bool(link.call(ops.ONEWIRE_RESET, bytes((number(pin),)))[0])


def readbit(pin):
    return link.call(ops.ONEWIRE_READ, bytes((number(pin), 1)))[0]


def readbyte(pin):
    return link.call(ops.ONEWIRE_READ, bytes((number(pin), 8)))[0]


def writebit(pin, value):
    link.call(ops.ONEWIRE_WRITE, bytes((number(pin), 1, value & 1)))


def writebyte(pin, value):
    link.call(ops.ONEWIRE_WRITE, bytes((number(pin), 8, value & 255)))


def crc8(content):
    # x^8 + x^5 + x^4 + 1, least significant bit first (Maxim application note 27)
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc
