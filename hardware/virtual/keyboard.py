"""The keys somebody types at the serial port, on their way to MicroPython's prompt."""

import asyncio
import contextlib
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

    As on the chip, what was typed while the program ran is there for the prompt that follows. A program that
    listens gets it as it comes; what finds no room then is lost.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._typed = bytearray()
        self._feeding: asyncio.Task[None] | None = None
        self.at_prompt = False
        self._listening = False

    def listen(self) -> None:
        """The program reads byte by byte from now on."""
        settings = termios.tcgetattr(self._terminal)
        settings[_LFLAG] = 0
        termios.tcsetattr(self._terminal, termios.TCSANOW, settings)
        self._listening = True
        typed, self._typed = bytes(self._typed), bytearray()
        self.type(typed)

    def open_prompt(self) -> None:
        """The program has ended, and the prompt is about to open."""
        settings = termios.tcgetattr(self._terminal)
        settings[_LFLAG] = termios.ICANON
        termios.tcsetattr(self._terminal, termios.TCSANOW, settings)
        self._listening = False
        self.at_prompt = True

    def type(self, keys: bytes) -> None:
        if self._listening:
            now, interrupted, keys = keys.partition(b"\x03")
            with contextlib.suppress(BlockingIOError):
                os.write(self._terminal, now)
            if not interrupted:
                return
            self._listening = False  # the rest is for the prompt
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
