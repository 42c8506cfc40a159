"""A board on a cable: blank, flashed, running, and back in download mode, as esptool itself sees it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from hardware.virtual.workbench import BOOT_OFFSET, BoardOnBench
from tests.tools.node.bench import blank, program, with_micropython


async def esptool(bench: BoardOnBench, *words: str) -> str:
    command = [sys.executable, "-P", "-m", "esptool", "--port", str(bench.port.path), "--no-stub", *words]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("chip", ["esp32", "esp32s3"])
async def test_a_blank_board_is_flashed_and_starts(tmp_path: Path, chip: str) -> None:
    bench = blank("a", tmp_path, tmp_path / "ports", chip)  # type: ignore[arg-type]
    try:
        await bench.plug()
        image = tmp_path / "image.bin"
        image.write_bytes(program(bench.chip))
        printed = await esptool(bench, "write-flash", hex(BOOT_OFFSET[chip]), str(image))
        assert "Hash of data verified" in printed, printed
        mac = ":".join(f"{byte:02x}" for byte in bench.mac)
        assert mac in printed
        await bench.board.until(lambda: ">>> " in bench.board.console.text())
    finally:
        await bench.close()


async def test_flashing_leaves_the_files_alone(tmp_path: Path) -> None:
    bench = with_micropython("a", tmp_path, tmp_path / "ports")
    try:
        bench.board.install({"identity": b"who I am"})
        await bench.plug()
        await bench.board.until(lambda: ">>> " in bench.board.console.text())
        image = tmp_path / "image.bin"
        image.write_bytes(program("esp32", 20_000))
        assert "verified" in await esptool(bench, "write-flash", "0x1000", str(image))
        await bench.board.until(lambda: bench.board.console.text().count(">>> ") > 1)
        await bench.unplug()
        assert bench.board.files() == {"identity": b"who I am"}
    finally:
        await bench.close()
