"""Power cuts at flash operations: the file system mounts afterwards, and wear is counted."""

from collections.abc import Callable

import pytest

from hardware.virtual import flash
from hardware.virtual.board import Board, State

MakeBoard = Callable[..., Board]

# Writes numbered generations of a file as the field does: temporary, close, rename.
GENERATIONS = """
import machine, os
try:
    n = int(open("state").read().split()[0])
except OSError:
    n = 0
for i in range(n + 1, n + 6):
    with open("new", "w") as file:
        file.write("%d " % i + "x" * 600)
    os.rename("new", "state")
    print("stored", i)
machine.deepsleep(60000)
"""


def generation(board: Board) -> int:
    content = board.files().get("state")
    if content is None:
        return 0
    number, filling = content.split()
    assert filling == b"x" * 600
    return int(number)


def stored(board: Board) -> int:
    lines = [line for line in board.console.text().splitlines() if line.startswith("stored ")]
    return int(lines[-1].split()[1]) if lines else 0


@pytest.mark.parametrize("torn", [False, True])
async def test_each_cut_leaves_the_old_or_the_new_state(make_board: MakeBoard, torn: bool) -> None:
    board = make_board(GENERATIONS)
    for at in range(1, 40, 2):
        board.plan_power_cut(flash.PowerCut(at, torn))
        before = stored(board)
        await board.power_on()
        await board.until(lambda: board.state in (State.OFF, State.ASLEEP))
        assert board.state is State.OFF
        assert generation(board) in (stored(board), stored(board) + 1)
        assert stored(board) >= before


async def test_the_cut_comes_at_the_planned_operation(make_board: MakeBoard) -> None:
    board = make_board(GENERATIONS)
    board.plan_power_cut(flash.PowerCut(7))
    await board.power_on()
    await board.until(lambda: board.state is State.OFF)
    assert flash.read_wear(board.image).operations == 7
    await board.power_on()
    await board.until(lambda: board.asleep)  # planned once, happens once
    assert generation(board) == stored(board)


async def test_wear_counts_erases_and_writes_per_block(make_board: MakeBoard) -> None:
    board = make_board(GENERATIONS)
    await board.power_on()
    await board.until(lambda: board.asleep)
    first = flash.read_wear(board.image)
    assert len(first.erases) == len(first.writes) == 512
    assert sum(first.writes) > sum(first.erases) > 0
    await board.power_cut()
    await board.power_on()
    await board.until(lambda: board.asleep)
    second = flash.read_wear(board.image)
    assert second.operations > first.operations
    assert all(after >= before for before, after in zip(first.erases, second.erases, strict=True))
