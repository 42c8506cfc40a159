"""A node's archive of registers, and what happened to them, through power cuts at every operation of flash.

The node's own modules run in real MicroPython over a littlefs whose block device keeps a journal. What has to
hold after each cut: at most the hour that was being written is missing, none is there twice or wrong, an
event that was kept stays, the last registers are known again, and the archive goes on.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.firmware.interpreter import FIRMWARE_LIB, find_micropython

_SCRIPT = Path(__file__).with_name("archive_cuts_on_node.py")


@dataclass(frozen=True, slots=True)
class Cuts:
    """`operations` of the flash in `hours`; `cuts` were tried, `failures` tells of the bad ones."""

    hours: int
    operations: int
    cuts: int
    failures: list[str]


def cut_power(hours: int, broken: str = "") -> Cuts:
    """Write for `hours`, then cut at each operation, whole and torn; `broken` spoils the firmware.

    Raises AssertionError where the hours themselves went wrong.
    """
    command = [str(find_micropython()), "-X", "heapsize=64m", str(_SCRIPT), str(hours), broken]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=dict(os.environ, MICROPYPATH=f"{FIRMWARE_LIB}:.frozen"),
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{done.stderr}{done.stdout[-1000:]}")
    return Cuts(**json.loads(done.stdout.splitlines()[-1]))
