# The node's clock: what the board's RTC says, 2000-01-01 after power-on. Ticks are the interpreter's own,
# since its asyncio is written in C and reads those; where time is virtual they jump with it. To wrap as on
# the chip they may begin anywhere (asyncio, whose C part has a period of its own, does not bear that).
import _board_link as _link
import _board_ops as _ops
from utime import gmtime as _gmtime
from utime import mktime as _mktime
from utime import sleep_us as _sleep_us
from utime import ticks_add, ticks_cpu, ticks_diff, ticks_ms, ticks_us

_real_ms, _real_us = ticks_ms, ticks_us

if _link.hello.virtual and _link.hello.ticks_ms == _ops.NO_TICKS:

    def ticks_ms():
        return _real_ms() + _link.offset_us // 1000

    def ticks_us():
        return _real_us() + _link.offset_us

elif _link.hello.ticks_ms != _ops.NO_TICKS:
    _PERIOD = 1 << 30  # as on the ESP32
    _first_ms = _link.hello.ticks_ms - _real_ms()

    def ticks_ms():
        return _real_ms() + _first_ms + _link.offset_us // 1000 & _PERIOD - 1

    def ticks_us():
        return _real_us() + _first_ms * 1000 + _link.offset_us & _PERIOD - 1

    def ticks_add(ticks, delta):
        return ticks + delta & _PERIOD - 1

    def ticks_diff(end, start):
        return (end - start + _PERIOD // 2 & _PERIOD - 1) - _PERIOD // 2


_2000_S = 946684800  # 2000-01-01 in Unix time
_epoch_s = 0 if _link.hello.first_year == 2000 else _2000_S  # what time() gives at 2000-01-01


def time():
    return _link.rtc_us() // 1000000 + _epoch_s


def time_ns():
    return (_link.rtc_us() + _epoch_s * 1000000) * 1000


def gmtime(s=None):
    return _gmtime((time() if s is None else int(s)) - _epoch_s + _2000_S)[:8]


localtime = gmtime


def mktime(fields):
    return int(_mktime(tuple(fields)[:8])) - _2000_S + _epoch_s


def sleep(s):
    _link.wait_us(int(s * 1000000))


def sleep_ms(ms):
    _link.wait_us(ms * 1000)


def sleep_us(us):
    if us < 2000 and not _link.hello.virtual:
        _sleep_us(us)
    else:
        _link.wait_us(us)
