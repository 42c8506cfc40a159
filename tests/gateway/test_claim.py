"""One process works in a state directory; another is told so, and who it is."""

import os
from pathlib import Path

import pytest

from gateway.claim import StartError, claimed


def test_a_second_one_is_told_who_is_there_and_another_part_is_not_disturbed(tmp_path: Path) -> None:
    with claimed(tmp_path / "state", "sync", "Stop it first."):
        second = claimed(tmp_path / "state", "sync", "Stop it first.")
        told = rf"another sync \(process {os.getpid()}\).*Stop it first"
        with pytest.raises(StartError, match=told), second:
            pass
        with claimed(tmp_path / "state", "gateway", ""):
            pass
    with claimed(tmp_path / "state", "sync", ""):
        pass


def test_a_folder_that_can_not_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"file/state: sync cannot write here: .*--state"):
        claimed(tmp_path / "file/state", "sync", "").__enter__()
    with pytest.raises(StartError, match="too long for a socket"):
        claimed(tmp_path / ("x" * 110), "sync", "").__enter__()
