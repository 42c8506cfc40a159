"""A node's files through power cuts: at every operation of its flash, whole or torn, while it lives on.

The node's own modules run in real MicroPython over a littlefs whose block device keeps a journal; for each
operation the flash as it was then is started anew. What has to hold: the file system mounts, every record
whose writing had ended is there once, at most the one being written is missing, no sequence and no frame
counter is given out again, and the epoch stays.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.firmware.interpreter import FIRMWARE_LIB, find_micropython

_SCRIPT = Path(__file__).with_name("power_cuts_on_node.py")


@dataclass(frozen=True, slots=True)
class Cuts:
    """`operations` of the flash in `wakes` wakes; `cuts` were tried, `failures` tells of the bad ones."""

    wakes: int
    operations: int
    records: int
    cuts: int
    failures: list[str]


def cut_power(wakes: int, seed: int, share: float = 1.0, broken: str = "", timeout_s: float = 600.0) -> Cuts:
    """Live `wakes` wakes, then cut at a random `share` of the operations; `broken` spoils the firmware.

    Raises AssertionError where the wakes themselves went wrong.
    """
    command = [str(find_micropython()), "-X", "heapsize=64m", str(_SCRIPT), str(wakes), str(seed), str(share)]
    done = subprocess.run(
        [*command, broken],
        capture_output=True,
        text=True,
        env=dict(os.environ, MICROPYPATH=f"{FIRMWARE_LIB}:.frozen"),
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"seed {seed}: {done.stderr}{done.stdout[-1000:]}")
    return Cuts(**json.loads(done.stdout.splitlines()[-1]))
