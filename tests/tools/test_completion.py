"""Tab in a real shell: bash as it starts for somebody who has given the documented command."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from shlex import quote

import pytest

from device_configs.loader import SITES
from tools import cli, completion

ROOT = Path(__file__).parents[2]
PATIENT_S = 60


def home_with_command(folder: Path) -> dict[str, str]:
    """A user's environment, with `sensornett` on the path and nothing else of this one."""
    command = folder / "bin" / "sensornett"
    command.parent.mkdir()
    root, python = quote(str(ROOT)), quote(sys.executable)
    command.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {python} -P -m tools.cli "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"
    return {"HOME": str(folder), "PATH": path, "TERM": "dumb", "PS1": "$ ", "NO_COLOR": "1"}


class Bash:
    """An interactive bash on a terminal."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        # A prompt that names a long folder must not make the line scroll sideways.
        termios.tcsetwinsize(theirs, (24, 1000))
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        self.seen = b""

    def type(self, keys: str, shows: str) -> None:
        """Type, and wait until the terminal shows what is expected after what was seen before."""
        self.seen = b""
        os.write(self._ours, keys.encode())
        end = time.monotonic() + PATIENT_S
        while shows.encode() not in self.seen:
            if not select.select([self._ours], [], [], max(0, end - time.monotonic()))[0]:
                pytest.fail(f"after {keys!r} no {shows!r} in {self.seen!r}")
            self.seen += os.read(self._ours, 4096)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


def test_in_bash_tab_completes_commands_options_and_values(tmp_path: Path) -> None:
    environment = home_with_command(tmp_path)
    setting_up = ["bash", "-c", "sensornett --install-completion; true"]
    done = subprocess.run(setting_up, env=environment, capture_output=True, text=True, check=False)
    assert (tmp_path / ".bash_completions" / "sensornett.sh").is_file(), done.stdout + done.stderr
    bash = Bash(environment)
    try:
        bash.type("echo re''ady\n", "ready")
        bash.type("sensornett nod\t", "node ")
        bash.type("prov\t", "provision ")
        bash.type("21 --sta\t", "--state ")
        bash.type("x --site narvik-d\t", "narvik-demo ")
        bash.type("--lang n\t", "nb ")
    finally:
        bash.close()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_other_shells_ask_is_answered(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(completion.ASKED, f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    for line, wanted in {
        "sensornett upd": "update",
        "sensornett node prov": "provision",
        "sensornett node flash esp": "esp32s3",
    }.items():
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        assert cli.main([]) == 0
        assert wanted in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_typers(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(completion.ASKED, f"source_{shell}")
    assert cli.main([]) == 0
    assert "sensornett" in capsys.readouterr().out


def test_no_shell_asks() -> None:
    assert completion.typed({}) is None
    assert completion.typed({completion.ASKED: "complete_bash", "COMP_WORDS": "sensornett\nnode\n"}) == [
        "node"
    ]


def test_the_values_offered_are_those_there_are() -> None:
    assert "narvik-demo" in completion.sites("nar")
    assert all((SITES / name).is_dir() for name in completion.sites(""))
    assert completion.languages("n") == ["nb"]
    assert completion.chips("esp32") == ["esp32", "esp32s3"]
    assert completion.ports("/no such folder") == []
