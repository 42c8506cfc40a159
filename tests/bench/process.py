"""A process of a bench's own: told over a pipe what to do, asked over it, and ended with the bench."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from tests.bench.figures import NotMeasured

TIMEOUT_S = 120.0
END_S = 10.0

_processes = multiprocessing.get_context("spawn")


@contextmanager
def started(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run `target(*arguments, connection)` in a process of its own; give the other end of the connection."""
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=target, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
        process.join(END_S)
    finally:
        process.kill()
        process.join()


def answer(process: Connection) -> Any:
    """Return what the process says next. Raises NotMeasured where it says nothing or has ended."""
    try:
        if process.poll(TIMEOUT_S):
            return process.recv()
    except EOFError:
        raise NotMeasured("a process of the bench ended too early") from None
    raise NotMeasured(f"nothing for {TIMEOUT_S:g} s: frames were lost on their way")
