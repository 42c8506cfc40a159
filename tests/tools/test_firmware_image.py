"""The images boards are flashed with, and the manifest of a frozen build."""

import hashlib
import json
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from hardware.virtual.board import Board
from hardware.virtual.flash import BLOCK_SIZE, read_image, wear_path
from tools.firmware_image import (
    FILE_SYSTEM_MIB,
    FIRMWARE,
    STARTERS,
    BuildError,
    compiled,
    main,
    manifest,
    sources,
    write_images,
)


def test_every_board_gets_an_image_of_the_size_of_its_file_system(tmp_path: Path) -> None:
    images = write_images(tmp_path, compiled())
    assert set(images) == set(builtin_catalog().boards)
    for name, image in images.items():
        flash_mb = builtin_catalog().boards[name].flash_mb
        assert image.stat().st_size == FILE_SYSTEM_MIB[flash_mb] << 20
        assert read_image(image) == compiled()


def test_the_manifest_names_every_file(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--board", "esp32-han"]) == 0
    told = json.loads((tmp_path / "manifest.json").read_text())
    assert told == manifest(compiled())
    content = compiled()["lib/node/app.mpy"]
    assert told["lib/node/app.mpy"] == {
        "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip


def test_only_what_starts_stays_source() -> None:
    assert {name for name in compiled() if name.endswith(".py")} == set(STARTERS)
    assert len(compiled()) == len(sources())


def test_an_unknown_board_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BuildError, match="there is no board `toaster`; known: esp32-han"):
        write_images(tmp_path, {}, ["toaster"])
    assert main(["--out", str(tmp_path), "--board", "toaster"]) == 1
    assert "no board `toaster`" in capsys.readouterr().err


async def test_a_board_starts_from_its_image_and_opens_its_prompt_unprovisioned(tmp_path: Path) -> None:
    board = Board("fresh", tmp_path / "fresh")
    board.install({})
    write_images(tmp_path, compiled(), ["generic-esp32-sx1262"])["generic-esp32-sx1262"].rename(board.image)
    wear_path(board.image).write_bytes(bytes(8 * ((FILE_SYSTEM_MIB[4] << 20) // BLOCK_SIZE)))
    await board.power_on()
    await board.until(lambda: "prompt open" in board.console.text())
    assert "provision this node" in board.console.text()
    await board.close()


def test_a_frozen_build_contains_the_whole_library() -> None:
    frozen: set[str] = set()

    def package(name: str, base_path: str, opt: int) -> None:
        frozen.update(str(path.relative_to(FIRMWARE)) for path in (FIRMWARE / base_path / name).rglob("*.py"))

    def module(name: str, opt: int, base_path: str = ".") -> None:
        frozen.add(str(Path(base_path) / name))

    scope = {"include": lambda path: None, "package": package, "module": module}
    exec((FIRMWARE / "manifest.py").read_text(), scope)
    assert frozen == set(sources()) - {"boot.py"}
