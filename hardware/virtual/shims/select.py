# select as on the chip, where interrupts are served while a poll waits: asyncio sleeps in polls.
import sys as _sys

import _board_link as _link
import _board_ops as _ops
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT
from uselect import poll as _poll
from utime import ticks_add as _add
from utime import ticks_diff as _diff
from utime import ticks_ms as _ms


_AGAIN_MS = 1000  # a poll without a time-out so soon after another one waits for the same answer


class poll:
    def __init__(self):
        self._real = _poll()
        self._others = 0
        self._people = False
        self._asked_ms = None
        self._real.register(_link.interrupts, POLLIN)
        self.unregister = self._real.unregister
        self.modify = self._real.modify

    def register(self, stream, events=POLLIN | POLLOUT):
        self._others += 1
        if stream is _sys.stdin:
            self._people = True
            _link.call(_ops.LISTEN)
        self._real.register(stream, events)

    def _poll_virtual(self, timeout):
        # A server answers in real time: time stands still for it a little while, then jumps.
        if not self._others:
            grace_ms = 0
        elif timeout == 0 and not self._people:
            return self._look()
        else:
            grace_ms = min(max(timeout, 1), _link.grace_ms)
        ready = self._real_poll(grace_ms)
        if ready or timeout <= 0:
            return ready
        _link.wait_us(timeout * 1000)
        return self._real_poll(0)

    def _look(self):
        # Who looks, sleeps and looks again would let virtual time run away from the server: the first look
        # waits for it, those after it do not.
        now_ms = _ms() + _link.offset_us // 1000
        again = self._asked_ms is not None and now_ms - self._asked_ms < _AGAIN_MS
        ready = self._real_poll(0 if again else _link.grace_ms)
        self._asked_ms = None if ready else _ms() + _link.offset_us // 1000
        return ready

    def poll(self, timeout=-1):
        if _link.hello.virtual:
            return self._poll_virtual(timeout)
        return self._real_poll(timeout)

    def _real_poll(self, timeout):
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
