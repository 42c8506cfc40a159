"""Where the gateway keeps its state when the card takes nothing: in memory, until the machine restarts.

Alerts and page go on there. Records are not acknowledged, so the nodes keep them for the time after.
"""

import errno
import hashlib
import os
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the kernel's own memory file system
CAP_BYTES = 64 << 20
_CARD_FAILS = {errno.EROFS, errno.EIO, errno.ENXIO, errno.ENODEV}


def place_for(state: Path, memory: Path = MEMORY) -> tuple[Path, bool]:
    """Return the directory to keep the state in, and whether that is in memory.

    A directory that does not exist yet, or belongs to somebody else, is not what this is for: whoever
    makes it says so in its own words. A full disk takes no file either, but is written again one day.
    """
    probe = state / ".writable"
    try:
        probe.write_bytes(os.urandom(8))
        probe.unlink()
    except OSError as error:
        if error.errno in _CARD_FAILS:
            return memory_place(state, memory), True
    return state, False


def memory_place(state: Path, memory: Path = MEMORY) -> Path:
    """Return the directory in memory that stands in for `state`; the same one each time."""
    name = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:12]
    return memory / f"sensornett-{os.getuid()}-{name}"
