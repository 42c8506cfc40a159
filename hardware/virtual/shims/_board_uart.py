# UARTs: what a chip sends comes through a pipe of its own, so that poll and asyncio can sleep until it does.
import io
import select
from struct import pack

import _board_link as link
import _board_ops as ops
import utime
from _board_pin import number

_GET_FILENO = 10
_pipes = {}


class UART(io.IOBase):
    INV_TX = 1
    INV_RX = 2
    RTS = 1
    CTS = 2
    _DEFAULT_PINS = ((1, 3), (10, 9), (17, 16))

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **options):
        if not 0 <= id <= 2:
            raise ValueError("UART(%d) does not exist" % id)
        self._id = id
        self._tx, self._rx = self._DEFAULT_PINS[id]
        self._timeout = self._timeout_char = 0
        self._settings = [baudrate, bits, parity, stop, 256]
        self._fd = -1
        if id in link.uarts:
            self._fd = 5 + link.uarts.index(id)
            if id not in _pipes:
                pipe = open(self._fd, "rb", buffering=0)
                arrivals = select.poll()
                arrivals.register(pipe, select.POLLIN)
                _pipes[id] = (pipe, arrivals)
            self._pipe, self._arrivals = _pipes[id]
        self.init(baudrate, bits, parity, stop, **options)

    def init(
        self,
        baudrate=None,
        bits=None,
        parity=-1,
        stop=None,
        *,
        tx=None,
        rx=None,
        timeout=None,
        timeout_char=None,
        rxbuf=None,
        txbuf=None,
        rts=None,
        cts=None,
        invert=0,
        flow=0,
    ):
        s = self._settings
        if baudrate is not None:
            s[0] = baudrate
        if bits is not None:
            s[1] = bits
        if parity != -1:
            s[2] = parity
        if stop is not None:
            s[3] = stop
        if rxbuf is not None:
            s[4] = rxbuf
        if tx is not None:
            self._tx = number(tx)
        if rx is not None:
            self._rx = number(rx)
        if timeout is not None:
            self._timeout = timeout
        if timeout_char is not None:
            self._timeout_char = timeout_char
        parity = 0 if s[2] is None else 2 if s[2] % 2 == 0 else 1
        pins = (self._id, self._tx, self._rx)
        link.call(ops.UART_INIT, pack("<BBBIBBBH", *pins, s[0], s[1], parity, s[3], s[4]))

    def deinit(self):
        link.call(ops.UART_CLOSE, bytes((self._id,)))

    def ioctl(self, request, arg):
        if request == _GET_FILENO and self._fd >= 0:
            return self._fd
        if request == 3:
            return arg & select.POLLOUT
        return -1 if request == _GET_FILENO else 0

    def any(self):
        return int.from_bytes(link.call(ops.UART_ANY, bytes((self._id,))), "little")

    def _take(self, limit, line=False):
        # Up to limit bytes: the first within timeout, each further within timeout_char of the one before.
        if self._fd < 0:
            utime.sleep_ms(self._timeout)
            return None
        taken = b""
        wait_ms = self._timeout
        while len(taken) < limit:
            part = self._pipe.read(1 if line else limit - len(taken))
            if part:
                taken += part
                wait_ms = self._timeout_char
                if line and part == b"\n":
                    break
            elif not wait_ms or not self._arrivals.poll(wait_ms):
                break
        return taken or None

    def read(self, nbytes=-1):
        return self._take(nbytes if nbytes is not None and nbytes >= 0 else self._settings[4])

    def readinto(self, buf, nbytes=None):
        taken = self._take(len(buf) if nbytes is None else min(nbytes, len(buf)))
        if taken is None:
            return None
        buf[: len(taken)] = taken
        return len(taken)

    def readline(self):
        return self._take(self._settings[4], True)

    def write(self, buf):
        link.call(ops.UART_WRITE, bytes((self._id,)) + buf)
        return len(buf)

    def flush(self):
        pass

    def txdone(self):
        return True

    def sendbreak(self):
        pass
