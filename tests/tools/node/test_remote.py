"""How a board is spoken to by mpremote: what is tried again and what is not.

mpremote itself, against MicroPython, is in test_provision.py, test_readout.py and test_bridge.py.
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.node.remote import TRIES, Board
from tools.node.trouble import Trouble

LATE = "mpremote.transport.TransportError: could not enter raw repl\n"


class Mpremote:
    """Stands in for the program: one answer (status, output, errors) after the other, the last for ever."""

    def __init__(self, *answers: tuple[int, str, str]) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    def __call__(self, command: list[str], **_options: Any) -> "subprocess.CompletedProcess[bytes]":
        self.asked.append(command)
        status, out, errors = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return subprocess.CompletedProcess(command, status, out.encode(), errors.encode())


@pytest.fixture
def port(tmp_path: Path) -> str:
    (tmp_path / "ttyUSB0").touch()
    return str(tmp_path / "ttyUSB0")


def test_a_computer_that_stalled_asks_again(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Mpremote(
        (1, "", LATE), (1, "", "TransportError: timeout waiting for first EOF reception"), (0, "@@ 7\n", "")
    )
    monkeypatch.setattr(subprocess, "run", said)
    assert Board(port).script("print(7)") == 7
    assert len(said.asked) == TRIES == 3


@pytest.mark.parametrize(
    ("errors", "tries", "trouble"),
    [
        (LATE, TRIES, "script_failed"),  # a board that never answers comes to an end too
        ("OSError: [Errno 28] ENOSPC", 1, "script_failed"),  # the board's own error is one
        ("serial.serialutil.SerialException: device disconnected", 1, "unplugged"),
        ("No module named mpremote", 1, "tool_missing"),
    ],
)
def test_what_is_not_late_is_told_at_once(
    port: str, monkeypatch: pytest.MonkeyPatch, errors: str, tries: int, trouble: str
) -> None:
    said = Mpremote((1, "", errors))
    monkeypatch.setattr(subprocess, "run", said)
    with pytest.raises(Trouble, match=trouble):
        Board(port).script("print(7)")
    assert len(said.asked) == tries
