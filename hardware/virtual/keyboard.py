"""The keys somebody types at the serial port, on their way to MicroPython's prompt."""

import asyncio
import os
import pty
import termios

_LOOK_S = 0.005
_LFLAG = 3  # in the list of tcgetattr


def terminal() -> tuple[int, int]:
    """Return (our end, the interpreter's end) of a terminal that passes on each byte as it is.

    It stays in line mode until a prompt that reads key by key takes it out: that is how one knows of it.
    """
    ours, theirs = pty.openpty()
    settings = termios.tcgetattr(theirs)
    settings[0] = settings[1] = 0  # nothing is translated, in either direction
    settings[_LFLAG] = termios.ICANON
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    return ours, theirs


class Keyboard:
    """Holds back what is typed until the prompt reads: on the way into raw mode a terminal drops its input.

    As on the chip, what was typed while the program ran is there for the prompt that follows.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._typed = bytearray()
        self._feeding: asyncio.Task[None] | None = None
        self.at_prompt = False

    def type(self, keys: bytes) -> None:
        self._typed += keys
        if self._feeding is None or self._feeding.done():
            self._feeding = asyncio.create_task(self._feed(), name="keyboard of a virtual board")

    def close(self) -> None:
        if self._feeding:
            self._feeding.cancel()

    async def _feed(self) -> None:
        while self._typed:
            if self.at_prompt and not termios.tcgetattr(self._terminal)[_LFLAG] & termios.ICANON:
                try:
                    del self._typed[: os.write(self._terminal, self._typed[:1024])]
                    continue
                except BlockingIOError:
                    pass  # it is busy
            await asyncio.sleep(_LOOK_S)
