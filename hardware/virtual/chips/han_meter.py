"""An electricity meter's HAN port: frames pushed at their times, whether anybody listens or not."""

from collections.abc import Iterable, Iterator

from hardware.virtual.chips.chip import Fault, Witness
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import Clock

LINE = LineSettings(2400, parity="E")


class HanMeter(SerialChip):
    """`frames` are (seconds after the meter was made, whole frame), in the order of their times."""

    def __init__(
        self,
        frames: Iterable[tuple[float, bytes]],
        clock: Clock,
        line: LineSettings = LINE,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(line, witness)
        self._frames: Iterator[tuple[float, bytes]] = iter(frames)
        self._clock = clock
        self._start_s = clock.monotonic_s()
        self._next: tuple[float, bytes] | None = None
        self._last = b""
        self.sent = 0

    async def run(self) -> None:
        while (coming := self._coming()) is not None:
            at_s, frame = coming
            wait_s = self._start_s + at_s - self._clock.monotonic_s()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
                self._push(frame)
            self._next = None  # a time that had passed was spoken to nobody

    def _coming(self) -> tuple[float, bytes] | None:
        if self._next is None:
            self._next = next(self._frames, None)
        return self._next

    def _push(self, frame: bytes) -> None:
        if not self.answers:
            return
        if self.fault is Fault.STUCK and self._last:
            frame = self._last
        self._last = frame
        self.sent += 1
        self._sampled("frame", self.sent, self._clock.utc_ms())
        if self.fault is Fault.CORRUPT:
            middle = len(frame) // 2
            frame = frame[:middle] + bytes((frame[middle] ^ 0x10,)) + frame[middle + 1 :]
        self.send(frame)
