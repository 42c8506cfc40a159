"""A technician's afternoon with ten boards, in real time: minutes, too long for `./run test`."""

import subprocess
import sys
from pathlib import Path

from tests.soak.tally import Tally

ROOT = Path(__file__).parents[2]
TEST = "tests/tools/node/test_afternoon.py"
AFTERNOONS = 3


def run(tally: Tally) -> None:
    for seed in tally.rounds(AFTERNOONS):
        with tally.run(seed):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "pytest", "-q", "-m", "long", TEST],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise AssertionError(done.stdout[-2000:])
