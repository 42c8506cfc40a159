# I2C, SPI and ADC: whole transactions go to the board host.
from struct import pack, unpack

import _board_link as link
import _board_ops as ops
from _board_pin import number


class I2C:
    _DEFAULT_PINS = ((18, 19), (25, 26))

    def __init__(self, id=0, *, scl=None, sda=None, freq=400000, timeout=50000):
        if id not in (0, 1):
            raise ValueError("I2C(%d) doesn't exist" % id)
        pins = self._DEFAULT_PINS[id]
        self._wires(pins[0] if scl is None else number(scl), pins[1] if sda is None else number(sda))

    def _wires(self, scl, sda):
        self._bus = bytes((scl, sda))

    def scan(self):
        return list(link.call(ops.I2C_SCAN, self._bus))

    def writeto(self, addr, buf, stop=True):
        link.call(ops.I2C_WRITE, self._bus + bytes((addr,)) + buf)
        return len(buf)

    def writevto(self, addr, vector, stop=True):
        return self.writeto(addr, b"".join(vector), stop)

    def readfrom(self, addr, nbytes, stop=True):
        return link.call(ops.I2C_READ, self._bus + pack("<BH", addr, nbytes))

    def readfrom_into(self, addr, buf, stop=True):
        buf[:] = self.readfrom(addr, len(buf), stop)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big"), False)
        return self.readfrom(addr, nbytes)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        buf[:] = self.readfrom_mem(addr, memaddr, len(buf), addrsize=addrsize)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        self.writeto(addr, memaddr.to_bytes(addrsize // 8, "big") + buf)


class SoftI2C(I2C):
    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        self._wires(number(scl), number(sda))


class SPI:
    MSB = 0
    LSB = 1
    _DEFAULT_PINS = {1: (14, 13, 12), 2: (18, 23, 19)}

    def __init__(
        self,
        id,
        baudrate=1000000,
        *,
        polarity=0,
        phase=0,
        bits=8,
        firstbit=MSB,
        sck=None,
        mosi=None,
        miso=None,
    ):
        if id not in self._DEFAULT_PINS:
            raise ValueError("SPI(%d) doesn't exist" % id)
        pins = self._DEFAULT_PINS[id]
        self._wires(sck or pins[0], mosi or pins[1], miso or pins[2])

    def _wires(self, sck, mosi, miso):
        self._bus = bytes((number(sck), number(mosi), number(miso)))

    def init(self, **options):
        pass

    def deinit(self):
        pass

    def write(self, buf):
        link.call(ops.SPI_TRANSFER, self._bus + buf)

    def read(self, nbytes, write=0):
        return link.call(ops.SPI_TRANSFER, self._bus + bytes((write,)) * nbytes)

    def readinto(self, buf, write=0):
        buf[:] = self.read(len(buf), write)

    def write_readinto(self, write_buf, read_buf):
        read_buf[:] = link.call(ops.SPI_TRANSFER, self._bus + write_buf)


class SoftSPI(SPI):
    def __init__(self, baudrate=500000, *, polarity=0, phase=0, bits=8, firstbit=0, sck, mosi, miso):
        self._wires(sck, mosi, miso)


class ADC:
    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3
    WIDTH_9BIT = 9
    WIDTH_10BIT = 10
    WIDTH_11BIT = 11
    WIDTH_12BIT = 12

    def __init__(self, pin, *, atten=ATTN_0DB):
        self._pin = number(pin)
        if link.hello.s3:
            fits = 1 <= self._pin <= 20
        else:
            fits = 32 <= self._pin <= 39 or self._pin in (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)
        if not fits:
            raise ValueError("invalid pin")
        self._atten = atten

    def init(self, *, atten=ATTN_0DB):
        self._atten = atten

    def atten(self, atten):
        self._atten = atten

    def width(self, width):
        pass

    def _sample(self):
        return unpack("<Hi", link.call(ops.ADC_READ, bytes((self._pin, self._atten))))

    def read(self):
        return self._sample()[0]

    def read_u16(self):
        code = self._sample()[0]
        return code << 4 | code >> 8

    def read_uv(self):
        return self._sample()[1]
