"""The double of esp32.Partition and its bootloader against what their documentation says; images for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.virtual.board import Board
from hardware.virtual.partitions import make_partitions, program_image, started_next
from tests.firmware.interpreter import run_on_micropython
from tools.update.bundle import check_image

ROOT = Path(__file__).parents[3]
PATHS = (ROOT / "hardware" / "virtual" / "shims", ROOT / "tests" / "firmware")
SCENE = """
from flash_on_node import BLOCK, Flash
from _partitions import Table, partition_of
table = Table(Flash(bytearray(b"\\xff" * (8 * BLOCK))), [("ota_0", 0, 3), ("ota_1", 3, 3)], 6)
Partition = partition_of(table)
def put(label):
    Partition(label).writeblocks(0, b"\\xe9" + bytes(BLOCK - 1))
def runs():
    return Partition(Partition.RUNNING).info()[4]
def boot():
    table.boot()
    print(runs(), end=" ")
def fails(do):
    try:
        do()
    except OSError as error:
        print("OSError", error.errno, end=" ")
put("ota_0")
"""


@pytest.fixture
def said() -> Callable[[str], str]:
    return lambda script: run_on_micropython(SCENE + script, heap="256k", path=PATHS).strip()


def test_the_first_partition_starts_while_nothing_was_chosen(said: Callable[[str], str]) -> None:
    assert said("boot(); print(Partition(Partition.RUNNING).info())") == (
        "ota_0 (0, 16, 0, 12288, 'ota_0', False)"
    )


def test_the_next_one_is_the_other_one_and_there_are_no_more(said: Callable[[str], str]) -> None:
    script = "other = Partition(Partition.RUNNING).get_next_update(); print(other.info()[4], end=' ')"
    assert said(script + "; print(other.get_next_update().info()[4])") == "ota_1 ota_0"


def test_a_stock_board_has_one_program_and_no_next(said: Callable[[str], str]) -> None:
    script = "stock = partition_of(Table(None, [('factory', 16, 0x1f0)]))(1); print(stock.info())\n"
    assert said(script + "fails(stock.get_next_update)").splitlines() == [
        "(0, 0, 65536, 2031616, 'factory', False)",
        "OSError 2",
    ]


def test_what_is_no_program_can_not_be_chosen(said: Callable[[str], str]) -> None:
    assert said("fails(Partition('ota_1').set_boot); boot()") == "OSError -5379 ota_0"


def test_one_that_does_not_call_itself_valid_is_taken_back(said: Callable[[str], str]) -> None:
    assert said("boot(); put('ota_1'); Partition('ota_1').set_boot(); boot(); boot(); boot()") == (
        "ota_0 ota_1 ota_0 ota_0"
    )


def test_out_of_deep_sleep_it_goes_on(said: Callable[[str], str]) -> None:
    script = "boot(); put('ota_1'); Partition('ota_1').set_boot(); boot(); table.boot(True); "
    assert said(script + "print(runs(), end=' '); boot()") == "ota_0 ota_1 ota_1 ota_0"


def test_one_that_calls_itself_valid_stays(said: Callable[[str], str]) -> None:
    script = "put('ota_1'); Partition('ota_1').set_boot(); boot(); Partition.mark_app_valid_cancel_rollback()"
    assert said(script + "; boot(); boot(); Partition.mark_app_valid_cancel_rollback(); boot()") == (
        "ota_1 ota_1 ota_1 ota_1"
    )


def test_the_choice_may_change_again_and_again(said: Callable[[str], str]) -> None:
    script = """
put("ota_1")
for label in ("ota_1", "ota_0", "ota_1", "ota_1", "ota_0"):
    Partition(label).set_boot()
    boot()
    Partition.mark_app_valid_cancel_rollback()
"""
    assert said(script) == "ota_1 ota_0 ota_1 ota_1 ota_0"


def test_writing_a_block_erases_it_writing_into_it_does_not_and_neither_leaves_it(
    said: Callable[[str], str],
) -> None:
    script = """
there = Partition("ota_1")
there.writeblocks(1, b"a" * BLOCK)
there.writeblocks(1, b"bb", 4)
part = bytearray(6)
there.readblocks(1, part, 2)
print(bytes(part), there.ioctl(4, 0), there.ioctl(5, 0), end=" ")
there.ioctl(6, 1)
there.readblocks(1, part)
print(bytes(part), end=" ")
fails(lambda: there.writeblocks(3, b"c" * BLOCK))
"""
    assert said(script) == r"b'aabbaa' 3 4096 b'\xff\xff\xff\xff\xff\xff' OSError -260"


def test_an_image_is_one_for_its_chip_alone() -> None:
    image = program_image({"deep/down/one.py": b"x = 1\n" * 1000, "two.py": b""}, 9)
    assert (check_image(image, 9), check_image(image, 0)) == ("", "other_chip")


async def test_a_board_runs_what_is_in_the_partition_that_was_chosen(tmp_path: Path) -> None:
    program = """
import machine, esp32, what
here = esp32.Partition(esp32.Partition.RUNNING)
print("runs", here.info()[4], what.NAME)
if what.NAME == "first":
    there = here.get_next_update()
    content = open("/second", "rb").read()
    for n in range(0, len(content), 4096):
        there.writeblocks(n // 4096, content[n : n + 4096] + bytes(4096 - len(content[n : n + 4096])))
    there.set_boot()
    machine.reset()
machine.deepsleep(1000)
"""
    board = Board("board", tmp_path)
    second = program_image({"what.py": b"NAME = 'second'\n"}, 0)
    board.install({"main.py": program.encode(), "second": second})
    make_partitions(board.image, program_image({"what.py": b"NAME = 'first'\n"}, 0))
    assert started_next(board.image) == ("ota_0", "")
    try:
        await board.power_on()
        await board.until(lambda: board.counts.wakes >= 2)
        assert board.console.text().count("runs ota_1 second") >= 2
        assert started_next(board.image) == ("ota_1", "pending")
        await board.press_reset()  # it never called itself valid
        await board.until(lambda: board.console.text().count("runs ota_0 first") == 2)
    finally:
        await board.close()
