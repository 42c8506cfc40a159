"""Logging on standard error that never fails; if that is a file on a full disk, lines are lost, no more."""

import logging
import sys
from contextlib import suppress
from typing import TextIO

import structlog


class Lenient:
    """Writes to `stream` as far as that goes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def to_stderr(level: int = logging.INFO) -> None:
    """Let every logger of this process write to standard error."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(Lenient(sys.stderr)),  # type: ignore[arg-type]
    )
