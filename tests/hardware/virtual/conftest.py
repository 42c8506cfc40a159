"""Boards for tests: made in the test's own folder, switched off at its end."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hardware.virtual.board import Board
from hardware.virtual.wiring import Wiring


@pytest.fixture
async def make_board(tmp_path: Path) -> AsyncIterator[Callable[..., Board]]:
    """make_board(main, wiring=..., tree=..., **options): a board with this main.py, still off."""
    boards: list[Board] = []

    def make(
        main: str, wiring: Wiring | None = None, tree: Mapping[str, bytes] | None = None, **options: Any
    ) -> Board:
        name = f"node{len(boards) + 1}"
        board = Board(name, tmp_path / name, wiring, **options)
        board.install({"boot.py": b"", "main.py": main.encode(), **(tree or {})})
        boards.append(board)
        return board

    yield make
    for board in boards:
        await board.close()
