"""Says on stderr what goes on while something long runs."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable

EVERY_S = 30.0


class Teller:
    """On a terminal one line changes in place; elsewhere it is said anew, every EVERY_S at most."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._terminal = sys.stderr.isatty()
        self._line = ""
        self._colour = self._terminal and not os.environ.get("NO_COLOR")
        self._said_s = now_s()

    def say(self, text: str = "") -> None:
        self._clear()
        print(text, file=sys.stderr, flush=True)
        self._said_s = self._now_s()
        self._draw()

    def bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self._colour else text

    def live(self, text: str) -> None:
        """Show `text` below everything else until it is replaced; "" shows nothing."""
        if self._terminal:
            self._clear()
            self._line = text[: shutil.get_terminal_size().columns - 1]
            self._draw()
        elif text and self._now_s() - self._said_s >= EVERY_S:
            self.say(text)

    @contextlib.asynccontextmanager
    async def step(self, text: str) -> AsyncIterator[None]:
        """Tell of a step, and in the end how long it took; meanwhile `live` may tell how far it is."""
        begun_s = self._now_s()
        self.live(f"  {text} ...")
        try:
            yield
        except BaseException:
            self.live("")
            self.say(f"  {text:<52} failed")
            raise
        self.live("")
        self.say(f"  {text:<52} {self._now_s() - begun_s:5.1f} s")

    def _clear(self) -> None:
        if self._terminal and self._line:
            sys.stderr.write("\r\033[K")

    def _draw(self) -> None:
        if self._terminal and self._line:
            sys.stderr.write(self._line)
            sys.stderr.flush()
