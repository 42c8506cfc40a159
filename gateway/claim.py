"""A state directory and the one process that works in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET_PATH_MAX = 107  # bytes: what the kernel takes for a Unix socket


class StartError(Exception):
    """A process cannot start as asked; the text says why and what to do."""


@contextmanager
def claimed(state: Path, part: str, advice: str) -> Iterator[None]:
    """Make the state directory of a process (`part`: "gateway", "sync") and keep another one out of it.

    `advice` is for whoever started a second one. Raises StartError.
    """
    if len(os.fsencode(state / f"{part}.sock")) > SOCKET_PATH_MAX:
        raise StartError(f"{state}: this path is too long for a socket; choose a shorter one with --state")
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (state / f"{part}.lock").open("a+")
    except OSError as error:
        raise StartError(
            f"{state}: {part} cannot write here: {error.strerror}. Run it as the user the directory belongs "
            "to, or choose another with --state."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            taken = f"another {part} (process {owner}) is at work here"
            raise StartError(f"{state}: {taken}. {advice}") from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
