"""Images of the node's flash, and what the interpreter does to them."""

from pathlib import Path

import pytest

from hardware.virtual import flash


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "flash.img"
    flash.make_image(path, {"main.py": b"print(1)\n", "lib/node/app.py": b"x" * 9000})
    return path


def test_files_come_back(image: Path) -> None:
    assert flash.read_image(image) == {"main.py": b"print(1)\n", "lib/node/app.py": b"x" * 9000}


def test_size_is_two_mebibytes_with_no_wear(image: Path) -> None:
    assert image.stat().st_size == 2 * 1024 * 1024
    assert flash.read_wear(image).operations == 0


def test_files_are_added_replaced_and_removed(image: Path) -> None:
    flash.change_image(image, {"main.py": b"print(2)\n", "lib/new.py": b"", "lib/node/app.py": None})
    assert flash.read_image(image) == {"main.py": b"print(2)\n", "lib/new.py": b""}


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(flash.FlashError, match=r"cannot write big\.bin \(100000 bytes\)"):
        flash.make_image(tmp_path / "small.img", {"big.bin": bytes(100_000)}, blocks=16)


def test_blank_flash_holds_no_file_system(tmp_path: Path) -> None:
    flash.make_blank(tmp_path / "blank.img")
    with pytest.raises(flash.FlashError, match="no littlefs"):
        flash.read_image(tmp_path / "blank.img")
