"""Stages of a piece of work: on a terminal one line each, that collapses into its result; else silent."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from tools.node.words import Words

_GREEN, _RED, _DIM, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
_WIDTH = 100


class Progress:
    """`stream` is where people look. Without a terminal only what is `said` appears."""

    def __init__(self, words: Words, stream: TextIO | None = None) -> None:
        self.words = words
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._coloured = self._terminal and not os.environ.get("NO_COLOR")
        self._doing = ""

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def part(self, share: float) -> None:
        """How much of the stage is done, 0 to 1."""
        if self._terminal:
            self._stream.write(f"\r  … {self._doing} {share:4.0%}")
            self._stream.flush()

    @contextmanager
    def stage(self, key: str, **values: object) -> Iterator[None]:
        """Show the text `stage.<key>` while it lasts, then whether it went well."""
        self._doing = self.words(f"stage.{key}", **values)
        began = time.monotonic()
        if self._terminal:
            self._stream.write(f"\r  … {self._doing}")
            self._stream.flush()
        doing = self._doing
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
        self._stream.write(f"\r{' ' * _WIDTH}\r  {mark} {doing}  {took}\n")
        self._stream.flush()
