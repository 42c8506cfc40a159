"""The board's own prompt on a technician's terminal: left by a key, and ended by a cable that comes out."""

import asyncio
import io
import os
import pty
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import with_micropython
from tools import cli

ROOT = Path(__file__).parents[3]
WAIT_S = 120
LEAVE = b"\x1d"  # Ctrl-]


class Sitting:
    """Somebody at a terminal who gave `sensornett node console`."""

    def __init__(self, bench: BoardOnBench) -> None:
        self._port = str(bench.port.path)
        self.shown = ""

    async def until(self, words: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while words not in self.shown:
                await self._read()

    async def sit_down(self) -> None:
        """Begin; on return every key goes to the board as it is typed."""
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-P", "-m", "tools.cli", "node", "console", "--port", self._port]
        self._process = await asyncio.create_subprocess_exec(
            *command, "--lang", "en", stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT
        )
        os.close(theirs)
        await self.until("Ctrl-]")
        async with asyncio.timeout(WAIT_S):
            while termios.tcgetattr(self._ours)[3] & termios.ICANON:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.05)

    def type(self, content: bytes) -> None:
        os.write(self._ours, content)

    async def end(self) -> int:
        with suppress(OSError):  # how a terminal tells that nobody is at its other end any more
            async with asyncio.timeout(WAIT_S):
                while True:
                    await self._read()
        os.close(self._ours)
        return await self._process.wait()

    async def _read(self) -> None:
        self.shown += (await asyncio.to_thread(os.read, self._ours, 4096)).decode(errors="replace")


async def test_a_prompt_is_left_by_a_key_or_ended_by_its_cable(tmp_path: Path) -> None:
    bench = with_micropython("a", tmp_path, tmp_path / "ports")
    await bench.plug()
    try:
        left = Sitting(bench)
        await left.sit_down()
        left.type(b"print(6 * 7)\r")
        await left.until("\n42")
        left.type(LEAVE)
        assert await left.end() == 0
        assert "back to work by itself after 15 minutes" in left.shown

        cut = Sitting(bench)
        await cut.sit_down()
        cut.type(b"print(6 * 7)\r")
        await cut.until("\n42")
        await bench.unplug()
        assert await cut.end() == 4
        assert "broke off. Nothing is lost" in cut.shown
        assert "Traceback" not in cut.shown
    finally:
        await bench.close()


def test_a_prompt_needs_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("1 + 1\n"))
    assert cli.main(["node", "console", "--port", "nowhere", "--lang", "nb"]) == 2
    assert "trenger en terminal" in capsys.readouterr().err
