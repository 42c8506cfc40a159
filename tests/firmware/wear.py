"""How a profile wears the flash, measured by the block device while the node's own files write."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.firmware.interpreter import FIRMWARE_LIB, find_micropython

ERASES_MAX = 100_000  # what the flash of an ESP32 is good for, block by block
YEAR_S = 365.25 * 86_400
_SCRIPT = Path(__file__).with_name("wear_on_node.py")


@dataclass(frozen=True, slots=True)
class Wear:
    """Of `seconds` of a node's time: records made and still held, erases in all and of the `worst` block."""

    seconds: int
    records: int
    held: int
    erases: int
    worst: int
    bytes_written: int

    @property
    def years(self) -> float:
        """Until the worst block is worn out, should it always be the worst."""
        return ERASES_MAX / self.worst * self.seconds / YEAR_S

    @property
    def even_years(self) -> float:
        """Until all blocks are, should the file system level them perfectly."""
        return ERASES_MAX * 512 / self.erases * self.seconds / YEAR_S


def wear(settings: dict[str, Any], count: int) -> Wear:
    """Let a node with these settings live `count` wakes; on mains, batches. Raises AssertionError."""
    command = [str(find_micropython()), "-X", "heapsize=32m", str(_SCRIPT), str(count)]
    done = subprocess.run(
        command,
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        env=dict(os.environ, MICROPYPATH=f"{FIRMWARE_LIB}:.frozen"),
        timeout=1200,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"the node's life failed: {done.stderr}{done.stdout[-1000:]}")
    return Wear(**json.loads(done.stdout.splitlines()[-1]))
