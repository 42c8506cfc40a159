"""The real esptool against the ROM loader: what a technician is told when something is wrong."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hardware.virtual.workbench import BOOT_OFFSET, FILE_SYSTEM_AT, BoardOnBench
from tests.tools.node.bench import Said, blank, images, program, run, with_micropython
from tools.node import flasher
from tools.node.trouble import Trouble


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[BoardOnBench]:
    bench = blank("a", tmp_path, tmp_path / "ports")
    await bench.plug()
    yield bench
    await bench.close()


async def flash(capfd: Any, bench: BoardOnBench, tmp_path: Path, *more: str, chip: str = "esp32") -> Said:
    where = ["--port", str(bench.port.path), "--images", str(images(tmp_path / "images"))]
    return await run(capfd, "node", "flash", chip, *where, "--json", "--lang", "en", *more)


def programmed(bench: BoardOnBench) -> bool:
    start = BOOT_OFFSET[bench.chip]
    wanted = program(bench.chip)
    return bytes(bench.flash[start : start + len(wanted)]) == wanted


async def test_micropython_goes_onto_a_board(fresh: BoardOnBench, tmp_path: Path, capfd: Any) -> None:
    said = await flash(capfd, fresh, tmp_path)
    assert said.status == 0, said.err
    assert said.json["mac"] == fresh.mac.hex()
    assert programmed(fresh)


async def test_the_wrong_chip_is_refused_before_anything_is_written(
    fresh: BoardOnBench, tmp_path: Path, capfd: Any
) -> None:
    before = bytes(fresh.flash[:FILE_SYSTEM_AT])
    said = await flash(capfd, fresh, tmp_path, chip="esp32s3")
    assert (said.status, said.json["trouble"]) == (5, "wrong_chip")
    assert "has an esp32, here an esp32s3 is needed. Nothing was written." in said.err
    assert bytes(fresh.flash[:FILE_SYSTEM_AT]) == before


async def test_an_image_for_another_chip_is_refused(fresh: BoardOnBench, tmp_path: Path, capfd: Any) -> None:
    image = tmp_path / "s3.bin"
    image.write_bytes(program("esp32s3"))
    said = await flash(capfd, fresh, tmp_path, "--image", str(image))
    assert (said.status, said.json["trouble"]) == (3, "bad_image")
    assert fresh.entered == 0


async def test_unplugged_at_a_byte_and_flashed_again(tmp_path: Path) -> None:
    image = images(tmp_path / "images") / "ESP32_GENERIC-20260901-v1.29.0.bin"
    # Beside each other, since esptool looks for a lost port for seconds.
    await asyncio.gather(*(_cut_at(share, tmp_path, image) for share in (0.02, 0.2, 0.5, 0.9, 0.999)))


async def _cut_at(share: float, folder: Path, image: Path) -> None:
    bench = blank(f"cut-{share}", folder, folder / "ports")
    port = str(bench.port.path)
    await bench.plug()
    try:
        bench.port.cable.unplug_after = 1 + round(share * 10_500)
        with pytest.raises(Trouble) as caught:
            await asyncio.to_thread(flasher.write, port, "esp32", image, _unheard)
        assert caught.value.key in {"unplugged", "port_gone", "no_chip"}, caught.value.detail
        assert caught.value.status == 4
        assert not programmed(bench)
        bench.port.cable.unplug_after = None
        await bench.plug()
        await asyncio.to_thread(flasher.write, port, "esp32", image, _unheard)
        assert programmed(bench)
    finally:
        await bench.close()


def _unheard(share: float) -> None:
    """Nobody watches how far it is."""


async def test_a_noisy_line_never_passes_for_a_good_one(
    fresh: BoardOnBench, tmp_path: Path, capfd: Any
) -> None:
    fresh.port.cable.noise = 0.004
    said = await flash(capfd, fresh, tmp_path)
    assert said.status in {0, 4, 5}
    assert said.status != 0 or programmed(fresh)
    assert "Traceback" not in said.err


async def test_nobody_answers(fresh: BoardOnBench, tmp_path: Path, capfd: Any) -> None:
    fresh.port.cable.mute = True
    said = await flash(capfd, fresh, tmp_path)
    assert (said.status, said.json["trouble"]) == (4, "no_chip")
    assert "Hold BOOT, press reset" in said.err


async def test_no_such_port(tmp_path: Path, capfd: Any) -> None:
    where = ["--port", str(tmp_path / "nothing"), "--images", str(images(tmp_path / "images"))]
    said = await run(capfd, "node", "flash", "esp32", *where, "--lang", "nb")
    assert said.status == 4
    assert "finnes ikke" in said.err


async def test_files_stay_unless_told_otherwise(tmp_path: Path, capfd: Any) -> None:
    bench = with_micropython("a", tmp_path, tmp_path / "ports")
    bench.board.install({"identity": b"who I am"})
    await bench.plug()
    try:
        assert (await flash(capfd, bench, tmp_path)).status == 0
        await bench.board.until(lambda: ">>> " in bench.board.console.text())
        await bench.unplug()
        assert bench.board.files() == {"identity": b"who I am"}
        await bench.plug()
        empty = tmp_path / "empty.bin"
        empty.write_bytes(b"\xff" * 8192)
        said = await flash(capfd, bench, tmp_path, "--erase-files", str(empty))
        assert said.status == 0, said.err
        await bench.board.until(lambda: ">>>" in bench.board.console.text().partition("initial setup")[2])
        await bench.unplug()
        assert bench.board.files() == {}
    finally:
        await bench.close()
