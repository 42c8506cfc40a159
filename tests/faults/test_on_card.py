"""A disk that is full, a card that takes nothing: nothing is acknowledged then, and nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("on_card.py")
UNSHARE = ["unshare", "--map-root-user", "--mount"]

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


def played(scenario: str, folder: Path) -> dict[str, Any]:
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a file system of one's own")
    done = subprocess.run(
        [*UNSHARE, sys.executable, PROGRAM, scenario, folder],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_full_disk(tmp_path: Path) -> None:
    assert played("full", tmp_path) == {
        "acknowledged_while_full": 0,
        "stored_nothing": True,
        "twice": 0,
        "equal": True,
    }


def test_a_card_that_takes_nothing(tmp_path: Path) -> None:
    assert played("readonly", tmp_path) == {
        "conditions": ["memory_only"],
        "another_store_meanwhile": True,
        "acknowledged_in_memory": 0,
        "the_store_is_back": True,
        "twice": 0,
        "equal": True,
    }
