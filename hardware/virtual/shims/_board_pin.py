# Pins: levels live in the board host, interrupts arrive with its answers and during sleeps.
from struct import pack

import _board_link as link
import _board_ops as ops
from umachine import PinBase, Signal, time_pulse_us

# Highest pin, pins that do not exist, first pin that is an input only: ESP32, ESP32-S3.
_PINS = ((39, (20, 24, 28, 29, 30, 31), 34), (48, (22, 23, 24, 25), 49))


class _Irq:
    def __init__(self, trigger):
        self._trigger = trigger

    def trigger(self):
        return self._trigger


class Pin(PinBase):
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    WAKE_LOW = 4
    WAKE_HIGH = 5
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if isinstance(id, Pin):
            id = id._id
        highest, absent, _ = _PINS[link.hello.s3]
        if not 0 <= id <= highest or id in absent:
            raise ValueError("invalid pin")
        self._id = id
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if mode in (Pin.OUT, Pin.OPEN_DRAIN) and self._id >= _PINS[link.hello.s3][2]:
            raise ValueError("pin can only be input")
        if value is not None:
            self.value(value)
        if mode != -1 or pull not in (-1, None):
            link.call(ops.PIN_INIT, pack("<Bbb", self._id, mode, -1 if pull is None else pull))

    def value(self, level=None):
        if level is None:
            return link.call(ops.PIN_READ, bytes((self._id,)))[0]
        link.post(ops.PIN_WRITE, bytes((self._id, 1 if level else 0)))

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self.value())

    def irq(self, handler=None, trigger=IRQ_RISING | IRQ_FALLING, wake=None):
        if wake is not None:
            link.call(ops.WAKE_ON_PIN, bytes((trigger == Pin.WAKE_HIGH, self._id)))
        elif handler:
            link.handlers[(ops.FROM_PIN, self._id)] = lambda: handler(self)
            link.call(ops.PIN_IRQ, bytes((self._id, trigger)))
        else:
            link.handlers.pop((ops.FROM_PIN, self._id), None)
            link.call(ops.PIN_IRQ, bytes((self._id, 0)))
        return _Irq(trigger)

    def __repr__(self):
        return "Pin(%d)" % self._id


def number(pin):
    return pin._id if isinstance(pin, Pin) else int(pin)


def disable_irq():
    return 0


def enable_irq(state):
    pass
