"""The entry script on machines that lack something: it says what, and what to do about it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOBODY = 65534


def run_as_ordinary_user(command: str, first_on_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a copy of `./run`, since the project may lie where only its owner looks, without root rights."""
    drop = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    script = Path(shutil.copy(ROOT / "run", first_on_path))
    script.chmod(0o755)
    return subprocess.run(
        [*drop, "bash", script, command],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": f"{first_on_path}:/usr/bin:/bin"},
    )


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that others may look into: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="sn-", dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_missing_package_without_root_rights_is_named_with_the_command(folder: Path) -> None:
    program(folder, "dpkg-query", "exit 1")  # as if none were installed
    program(folder, "sudo", "exit 1")
    done = run_as_ordinary_user("demo", folder)
    assert done.returncode == 1
    assert "mosquitto influxdb" in done.stderr
    assert "needs root rights" in done.stderr
    assert "apt-get install" in done.stderr


def test_an_unknown_architecture_is_refused_in_words(folder: Path) -> None:
    program(folder, "dpkg", "echo riscv64")
    done = run_as_ordinary_user("check", folder)
    assert done.returncode == 1
    assert "on riscv64 is not supported. Use Debian 12 or 13 on amd64" in done.stderr
