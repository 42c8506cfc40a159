"""What a terminal shows and what a log gets."""

import io
import re

import pytest

from tools.teller import EVERY_S, Teller


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(written: str) -> list[str]:
    """Return the lines as they stand on a terminal in the end."""
    text = re.sub(r"[^\n]*\r\033\[K", "", written)
    return text.split("\n")


async def test_on_a_terminal_one_line_changes_below_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "20")
    teller = Teller()
    teller.live("1 of 6")
    teller.say("the grate clogs")
    teller.live("2 of 6, and much more than fits")
    assert shown(terminal.getvalue()) == ["the grate clogs", "2 of 6, and much mo"]
    async with teller.step("It drains"):
        teller.live("half of it")
    assert re.fullmatch(r"  It drains {44}  0\.\d s", shown(terminal.getvalue())[1])
    assert shown(terminal.getvalue())[2:] == [""]


async def test_a_log_gets_what_is_said_and_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now_s = 100.0
    teller = Teller(lambda: now_s)
    for _ in range(3):
        now_s += EVERY_S / 2
        teller.live(f"{now_s:.0f} s")
    with pytest.raises(OSError, match="full"):
        async with teller.step("It drains"):
            raise OSError("full")
    assert capsys.readouterr().err == f"130 s\n  {'It drains':<52} failed\n"
