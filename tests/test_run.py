"""The entry script on machines that lack something: it says what, and what to do about it."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOBODY = 65534


def run_as_ordinary_user(command: str, first_on_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a copy of `./run`, since the project may lie where only its owner looks, without root rights."""
    drop = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run(
        [*drop, "bash", shutil.copy(ROOT / "run", first_on_path), command],
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
    for above in (folder, *folder.parents[:3]):  # pytest's folders are closed to other users
        above.chmod(0o755)


def test_a_missing_package_without_root_rights_is_named_with_the_command(tmp_path: Path) -> None:
    program(tmp_path, "dpkg-query", "exit 1")  # as if none were installed
    program(tmp_path, "sudo", "exit 1")
    done = run_as_ordinary_user("demo", tmp_path)
    assert done.returncode == 1
    assert "mosquitto influxdb" in done.stderr
    assert "needs root rights" in done.stderr
    assert "apt-get install" in done.stderr


def test_an_unknown_architecture_is_refused_in_words(tmp_path: Path) -> None:
    program(tmp_path, "dpkg", "echo riscv64")
    done = run_as_ordinary_user("check", tmp_path)
    assert done.returncode == 1
    assert "on riscv64 is not supported. Use Debian 12 or 13 on amd64" in done.stderr
