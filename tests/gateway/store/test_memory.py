"""Only a card that fails sends the state to memory."""

import errno
import os
from pathlib import Path

import pytest

from gateway.store.memory import memory_place, place_for, place_in_use


def test_a_directory_that_can_be_written_stays(tmp_path: Path) -> None:
    state, memory = tmp_path / "state", tmp_path / "memory"
    state.mkdir()
    left_over = memory_place(state, memory)
    left_over.mkdir(parents=True)
    (left_over / "store.db").touch()
    assert place_in_use(state, memory) == left_over
    assert place_for(state, memory) == (state, False)
    assert [file.name for file in state.iterdir()] == ["store.db.detour"]
    assert not left_over.exists()
    assert place_in_use(state, memory) == state


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
