"""Only a card that fails sends the state to memory."""

import errno
import os
from pathlib import Path

import pytest

from gateway.store.memory import memory_place, place_for


def test_a_directory_that_can_be_written_stays(tmp_path: Path) -> None:
    assert place_for(tmp_path) == (tmp_path, False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "in_memory"),
    [(errno.EROFS, True), (errno.EIO, True), (errno.ENOSPC, False), (errno.EACCES, False)],
)
def test_what_a_card_answers(
    tmp_path: Path, number: int, in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", fail)
    place, there = place_for(tmp_path, Path("/memory"))
    assert there is in_memory
    assert place == (memory_place(tmp_path, Path("/memory")) if in_memory else tmp_path)
    assert place == place_for(tmp_path, Path("/memory"))[0]


def test_a_directory_that_is_not_there_is_for_others_to_make(tmp_path: Path) -> None:
    assert place_for(tmp_path / "new") == (tmp_path / "new", False)
