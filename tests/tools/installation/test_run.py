"""`./run` finds the gateway below another root, and says what to do where there is none."""

import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[3] / "run"


@pytest.mark.parametrize("command", ["uninstall", "backup", "restore", "export"])
@pytest.mark.parametrize("form", ["--root {}", "--root={}"])
def test_without_a_gateway(tmp_path: Path, command: str, form: str) -> None:
    words = ["bash", str(RUN), command, "somewhere", *form.format(tmp_path).split()]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "./run install --site FOLDER" in done.stderr


def test_the_installed_version_is_the_one_that_is_asked(tmp_path: Path) -> None:
    python = tmp_path / "opt/sensornett/current/.venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    words = ["bash", str(RUN), "backup", "file", "--root", str(tmp_path)]
    sudo = tmp_path / "sudo"  # where the test has no root rights, they are asked for: this one says yes
    sudo.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=path)
    assert done.stdout == f"-P -m tools.installation backup file --root {tmp_path}\n"
