# The ESP32 port's machine module.
from struct import pack, unpack
from time import gmtime, mktime

import _board_link as _link
import _board_ops as _ops
from _board_buses import ADC, I2C, SPI, SoftI2C, SoftSPI
from _board_pin import Pin, Signal, disable_irq, enable_irq, time_pulse_us
from _board_timer import Timer
from _board_uart import UART

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

SLEEP = 2
DEEPSLEEP = 4
PIN_WAKE = EXT0_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4
TOUCHPAD_WAKE = 5
ULP_WAKE = 6


def reset_cause():
    return _link.hello.reset_cause


def wake_reason():
    return _link.hello.wake_reason


def unique_id():
    return _link.hello.unique_id


def freq(hz=None):
    if hz is None:
        return 160000000
    if hz not in (20000000, 40000000, 80000000, 160000000, 240000000):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")


def idle():
    pass


def reset():
    _link.call(_ops.RESET)


def soft_reset():
    raise SystemExit


def deepsleep(time_ms=0):
    _link.call(_ops.DEEPSLEEP, pack("<q", time_ms))


def lightsleep(time_ms=0):
    _link.wait_us(time_ms * 1000)


sleep = lightsleep


class WDT:
    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("invalid WDT id")
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        self._timeout = pack("<I", timeout)
        self.feed()

    def feed(self):
        _link.post(_ops.WDT_FEED, self._timeout)


class RTC:
    def datetime(self, fields=None):
        if fields is None:
            us = _link.rtc_us()
            year, month, day, hour, minute, second, weekday, _ = gmtime()
            return (year, month, day, weekday, hour, minute, second, us % 1000000)
        year, month, day, _, hour, minute, second, us = fields
        s = mktime((year, month, day, hour, minute, second, 0, 0)) - mktime((2000, 1, 1, 0, 0, 0, 0, 0))
        _link.set_rtc_us(s * 1000000 + us)

    def init(self, fields):
        self.datetime(fields)

    def memory(self, content=None):
        if content is None:
            return _link.call(_ops.RTC_MEMORY_READ)
        if len(content) > 2048:
            raise ValueError("buffer too long")
        _link.call(_ops.RTC_MEMORY_WRITE, content)
