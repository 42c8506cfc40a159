"""Stages of a piece of work: on a terminal one line each, that collapses into its result; else silent.

Pieces of work side by side share the terminal: what ends leaves its line, the last line shows what goes on.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from tools.node.words import Words

_GREEN, _RED, _DIM, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
_WIDTH = 80  # where a terminal does not say


class Progress:
    """`stream` is where people look. Without a terminal only what is `said` appears."""

    def __init__(self, words: Words, stream: TextIO | None = None) -> None:
        self.words = words
        self.stream = stream or sys.stderr
        self._terminal = self.stream.isatty()
        self._coloured = self._terminal and not os.environ.get("NO_COLOR")
        self._doing = ""

    @property
    def width(self) -> int:
        """How many characters a line may have that is drawn over."""
        try:
            columns = os.get_terminal_size(self.stream.fileno()).columns
        except OSError:
            columns = 0
        return (columns or _WIDTH) - 1

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.stream.write(text + "\n")
        self.stream.flush()

    def part(self, share: float) -> None:
        """How much of the stage is done, 0 to 1."""
        self.draw(f"  … {self._doing} {share:4.0%}")

    def draw(self, line: str) -> None:
        """Show this as the line that does not stay."""
        if self._terminal:
            line = line[: self.width]  # a longer one would go on below, and stay there
            self.stream.write(f"\r{line:{self.width}}\r{line}")
            self.stream.flush()

    def _begin(self, doing: str) -> None:
        self.draw(f"  … {doing}")

    @contextmanager
    def stage(self, key: str, **values: object) -> Iterator[None]:
        """Show the text `stage.<key>` while it lasts, then whether it went well."""
        self._doing = self.words(f"stage.{key}", **values)
        began = time.monotonic()
        doing = self._doing
        self._begin(doing)
        try:
            yield
        except BaseException:
            self._collapse("✗", _RED, doing, began)
            raise
        self._collapse("✓", _GREEN, doing, began)

    def _collapse(self, mark: str, colour: str, doing: str, began: float) -> None:
        if not self._terminal:
            return
        took = f"{time.monotonic() - began:.1f} s"
        if self._coloured:
            mark, took = colour + mark + _PLAIN, _DIM + took + _PLAIN
        self.stream.write(f"\r{' ' * self.width}\r  {mark} {doing}  {took}\n")
        self.stream.flush()


class Abreast:
    """Several pieces of work on the terminal of one `progress`, each with a short name."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.lock = threading.RLock()
        self._now: dict[str, str] = {}

    def of(self, name: str) -> Progress:
        """Return the progress of the piece of work with this name."""
        return _OneOfMany(self, name)

    def show(self, name: str, doing: str | None) -> None:
        """This is what goes on with one of them; None: nothing any more."""
        with self.lock:
            if doing is None:
                self._now.pop(name, None)
            else:
                self._now[name] = doing
            line = "  … " + ", ".join(f"{one}{share}" for one, share in sorted(self._now.items()))
            self.progress.draw(line if self._now else "")


class _OneOfMany(Progress):
    def __init__(self, abreast: Abreast, name: str) -> None:
        super().__init__(abreast.progress.words, abreast.progress.stream)
        self._abreast, self._name = abreast, name

    def say(self, text: str) -> None:
        with self._abreast.lock:
            self._abreast.progress.draw("")
            super().say(f"{self._name}: {text}")

    def part(self, share: float) -> None:
        self._abreast.show(self._name, f" {share:.0%}")

    def _begin(self, doing: str) -> None:
        self._abreast.show(self._name, "")

    def _collapse(self, mark: str, colour: str, doing: str, began: float) -> None:
        with self._abreast.lock:
            super()._collapse(mark, colour, f"{self._name}: {doing}", began)
            self._abreast.show(self._name, None)
