"""Updates through power cuts: at every operation of the flash while a node takes three programs in a row.

What has to hold after each cut: the confirmed program is whole, the one that starts is whole, the installed
one is untouched, the number never falls, and the update goes on to its end.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.firmware.interpreter import FIRMWARE_LIB, find_micropython

_SCRIPT = Path(__file__).with_name("update_cuts_on_node.py")


@dataclass(frozen=True, slots=True)
class UpdateCuts:
    """`operations` of the flash; `cuts` were tried, `failures` tells of the bad ones."""

    operations: int
    cuts: int
    failures: list[str]


def cut_updates(seed: int, share: float = 1.0, broken: str = "", timeout_s: float = 1800.0) -> UpdateCuts:
    """Cut at a random `share` of the operations; `broken` spoils the firmware. Raises AssertionError."""
    command = [str(find_micropython()), "-X", "heapsize=64m", str(_SCRIPT), str(seed), str(share), broken]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=dict(os.environ, MICROPYPATH=f"{FIRMWARE_LIB}:.frozen"),
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"seed {seed}: {done.stderr}{done.stdout[-1000:]}")
    return UpdateCuts(**json.loads(done.stdout.splitlines()[-1]))
