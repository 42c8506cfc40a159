"""Where the gateway keeps its state when the card takes nothing: in memory, until the machine restarts.

Alerts and page go on there. Records are not acknowledged, so the nodes keep them for the time after.
"""

import errno
import hashlib
import os
import shutil
from pathlib import Path

from gateway.store.files import STORE_NAME, detour_file

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
    else:
        left_over = memory_place(state, memory)
        if left_over.is_dir():  # what was kept there was not acknowledged: its nodes bring it again
            detour_file(state / STORE_NAME).touch()
            shutil.rmtree(left_over, ignore_errors=True)
    return state, False


def place_in_use(state: Path, memory: Path = MEMORY) -> Path:
    """Return where to ask the gateway whose state is, or should be, in `state`."""
    place = memory_place(state, memory)
    return place if place.is_dir() else state


def memory_place(state: Path, memory: Path = MEMORY) -> Path:
    """Return the directory in memory that stands in for `state`; the same one each time."""
    name = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:12]
    return memory / f"sensornett-{os.getuid()}-{name}"
