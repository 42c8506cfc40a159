"""The interpreter's process belongs to its board host."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hardware.virtual.board import Board

ROOT = Path(__file__).parents[3]

HOST = """
import asyncio, sys
from pathlib import Path
from hardware.virtual.board import Board

async def main() -> None:
    board = Board("orphan", Path(sys.argv[1]))
    board.install({"main.py": b"import time; print('up')\\nwhile True: time.sleep(60)"})
    await board.power_on()
    await board.until(lambda: "up" in board.console.text())
    print(board.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_ends_when_the_board_host_is_killed(tmp_path: Path) -> None:
    # Who is killed clears nothing away: what it had for a while is to stay in the test's own folder.
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    argv = [sys.executable, "-c", HOST, str(tmp_path)]
    host = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    assert host.stdout is not None
    pid = int(host.stdout.readline())
    assert alive(pid)
    host.kill()
    host.wait()
    host.stdout.close()
    deadline_s = time.monotonic() + 60
    while alive(pid) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    gone = not alive(pid)
    if not gone:
        os.kill(pid, signal.SIGKILL)
    assert gone


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
async def test_a_profiler_can_count_the_instructions_of_a_wake(tmp_path: Path) -> None:
    counts = tmp_path / "instructions"
    prefix = ("valgrind", "--vgdb=no", "--tool=callgrind", f"--callgrind-out-file={counts}")
    board = Board("profiled", tmp_path, prefix=prefix)
    board.install({"main.py": b"import machine\nmachine.deepsleep(60000)"})
    await board.power_on()
    await board.until(lambda: board.asleep, timeout_s=60)
    await board.close()
    assert "totals: " in counts.read_text()
