"""Stages on terminals of any width, and on none."""

import fcntl
import io
import os
import pty
import struct
import termios
from contextlib import suppress

import pytest

from tools.node.progress import Progress
from tools.node.words import Words


def shown_on(columns: int) -> str:
    """What a terminal so wide is sent while a long stage goes on; 0: one that does not know."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(theirs, "w") as stream:
        progress = Progress(Words("en"), stream)
        with progress.stage("flash", image="ESP32_GENERIC_S3-20260901-v1.29.0.bin" * 3):
            progress.part(0.5)
    shown = b""
    with suppress(OSError):  # how a terminal tells that its other end was closed
        while piece := os.read(ours, 1 << 16):
            shown += piece
    os.close(ours)
    return shown.decode().removesuffix("\r\n")


@pytest.mark.parametrize(("columns", "width"), [(40, 39), (80, 79), (132, 131), (0, 79)])
def test_what_is_drawn_over_never_goes_on_in_the_next_line(
    monkeypatch: pytest.MonkeyPatch, columns: int, width: int
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    drawn, _, rest = shown_on(columns).rpartition("\r")
    assert all(len(piece) <= width for piece in drawn.split("\r"))
    assert rest.startswith("  ✓ Writing MicroPython"), "what stays may be longer"


def test_colours_are_for_who_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m✓" in shown_on(80)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown_on(80)


def test_without_a_terminal_only_what_is_said_appears() -> None:
    stream = io.StringIO()
    progress = Progress(Words("nb"), stream)
    with progress.stage("selftest"):
        progress.part(0.5)
    progress.say("ferdig")
    assert stream.getvalue() == "ferdig\n"
