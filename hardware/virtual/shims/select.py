# select as on the chip, where interrupts are served while a poll waits: asyncio sleeps in polls.
import _board_link as _link
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT
from uselect import poll as _poll
from utime import ticks_add as _add
from utime import ticks_diff as _diff
from utime import ticks_ms as _ms


class poll:
    def __init__(self):
        self._real = _poll()
        self._real.register(_link.interrupts, POLLIN)
        self.register = self._real.register
        self.unregister = self._real.unregister
        self.modify = self._real.modify

    def poll(self, timeout=-1):
        end = _add(_ms(), max(timeout, 0))
        while True:
            ready = self._real.poll(timeout if timeout < 0 else max(_diff(end, _ms()), 0))
            # At once: whoever gets the rest may ask the board host something and so take it off the line.
            others = [found for found in ready if found[0] is not _link.interrupts]
            if len(others) < len(ready):
                _link.take_interrupt()
            if others or not ready:
                return others

    def ipoll(self, timeout=-1, flags=0):
        return iter(self.poll(timeout))
