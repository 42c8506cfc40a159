# Timers: the board host keeps the time, callbacks run with its answers and during sleeps.
from struct import pack

import _board_link as link
import _board_ops as ops


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **options):
        if not 0 <= id <= 3:
            raise ValueError("invalid Timer number")
        self._id = id
        if options:
            self.init(**options)

    def init(self, *, mode=PERIODIC, freq=-1, period=-1, callback=None):
        if freq > 0:
            period = max(1, int(1000 / freq))
        link.handlers[(ops.FROM_TIMER, self._id)] = lambda: callback and callback(self)
        link.call(ops.TIMER, pack("<BIB", self._id, period, mode))

    def deinit(self):
        link.handlers.pop((ops.FROM_TIMER, self._id), None)
        link.call(ops.TIMER, pack("<BIB", self._id, 0, 0))
