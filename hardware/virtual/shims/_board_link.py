# The line to the board host: requests out on fd 4, answers and interrupts in on fd 3.
import sys
from collections import namedtuple
from struct import calcsize, pack, unpack

import _board_ops as ops
import uos
import uselect
import utime

interrupts = _rx = open(3, "rb", buffering=0)
_tx = open(4, "wb", buffering=0)
_head = bytearray(3)
_arrivals = uselect.poll()
_arrivals.register(_rx, uselect.POLLIN)
_pending = []
_dispatching = False
started = False  # boot.py has its turn: what comes from the keyboard before is lost, as on the chip

_Hello = namedtuple(
    "Hello",
    "reset_cause wake_reason rtc_us cut_after torn blocks first_year s3 unique_id virtual ticks_ms uarts",
)

handlers = {}  # (source, number) -> function without arguments


def _frame():
    if _rx.readinto(_head) != 3:
        # The board host is gone. Firmware may catch any exception, so nothing less than a kill ends a loop.
        uos.system("kill -9 $PPID")
    size = _head[1] | _head[2] << 8
    return _head[0], _rx.read(size) if size else b""


def _dispatch():
    global _dispatching
    if _dispatching:
        return
    _dispatching = True
    try:
        while _pending:
            event = _pending.pop(0)
            if event[0] == ops.FROM_KEYBOARD:
                if started:
                    raise KeyboardInterrupt
                continue
            handler = handlers.get((event[0], event[1]))
            if handler:
                try:
                    handler()
                except Exception as error:
                    # As on the chip: a failing interrupt handler is reported and the program goes on.
                    print("Unhandled exception in callback")
                    sys.print_exception(error)
    finally:
        _dispatching = False


def call(op, payload=b""):
    _tx.write(pack("<BH", op, len(payload)) + payload)
    kind, answer = _frame()
    while kind == ops.INTERRUPT:
        _pending.append(answer)
        kind, answer = _frame()
    if kind:
        number = unpack("<i", answer)[0]
        text = str(answer[4:], "utf8")
        if kind == ops.VALUE_ERROR:
            raise ValueError(text)
        raise OSError(number, text) if text else OSError(number)
    if _pending:
        _dispatch()
    return answer


def take_interrupt():
    # what a poll found on the line while nobody waits for an answer
    _pending.append(_frame()[1])
    _dispatch()


def post(op, payload=b""):
    _tx.write(pack("<BH", op, len(payload)) + payload)


offset_us = 0  # how far time has jumped since this start, where it is virtual
grace_ms = 200  # what a real server may take to answer before virtual time jumps to the end of a poll


def _jump_us(us):
    # The board host lets the time jump while every board waits, and answers early when something happened.
    global offset_us, grace_ms
    end = utime.ticks_us() + offset_us + us
    while True:
        left = end - utime.ticks_us() - offset_us
        if left <= 0:
            return
        offset_us, grace_ms = unpack("<qH", call(ops.WAIT, pack("<q", left)))


def wait_us(us):
    if hello.virtual:
        return _jump_us(us)
    end = utime.ticks_add(utime.ticks_us(), us)
    while True:
        left = utime.ticks_diff(end, utime.ticks_us())
        if left < 1000:
            if left > 0:
                utime.sleep_us(left)
            return
        for _ in _arrivals.ipoll(left // 1000):
            take_interrupt()


def _say_hello():
    answer = call(ops.HELLO)
    ticks_us = utime.ticks_us()
    fields = _Hello(*unpack(ops.HELLO_FORMAT, answer))
    start = calcsize(ops.HELLO_FORMAT)
    end = start + fields.uarts
    return fields, ticks_us, answer[start:end], str(answer[end:], "utf8")


hello, _read_ticks_us, uarts, image = _say_hello()
_read_us = hello.rtc_us  # what the RTC said at _read_ticks_us
_read_offset_us = 0


def set_rtc_us(us):
    # microseconds since 2000-01-01
    global _read_us, _read_ticks_us, _read_offset_us
    call(ops.RTC_SET, pack("<q", us))
    _read_us = us
    _read_offset_us = offset_us
    _read_ticks_us = utime.ticks_us()


def rtc_us():
    return _read_us + utime.ticks_diff(utime.ticks_us(), _read_ticks_us) + offset_us - _read_offset_us
