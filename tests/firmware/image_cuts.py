"""Full images through power cuts: at every operation of the flash while a node is offered four in a row.

Two of them run well, one never starts, one is never heard. What has to hold after each cut: what starts is
whole, a confirmed image is never lost, the number never falls, and the offers go on to their end.
"""

import json
import os
import subprocess
from pathlib import Path

from tests.firmware.interpreter import FIRMWARE_LIB, ROOT, find_micropython
from tests.firmware.update_cuts import UpdateCuts

_SCRIPT = Path(__file__).with_name("image_cuts_on_node.py")
_SHIMS = ROOT / "hardware" / "virtual" / "shims"


def cut_images(seed: int, share: float = 1.0, broken: str = "", timeout_s: float = 1800.0) -> UpdateCuts:
    """Cut at a random `share` of the operations; `broken` spoils the firmware. Raises AssertionError."""
    words = [str(seed), str(share), broken, str(_SHIMS)]
    done = subprocess.run(
        [str(find_micropython()), "-X", "heapsize=64m", str(_SCRIPT), *words],
        capture_output=True,
        text=True,
        env=dict(os.environ, MICROPYPATH=f"{FIRMWARE_LIB}:.frozen"),
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"seed {seed}: {done.stderr}{done.stdout[-1000:]}")
    return UpdateCuts(**json.loads(done.stdout.splitlines()[-1]))
