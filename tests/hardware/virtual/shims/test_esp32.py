"""Non-volatile storage with commit, and the rest of the esp32 module."""

from collections.abc import Callable

from hardware.virtual.board import Board

MakeBoard = Callable[..., Board]

NVS = """
import esp32, machine
nvs = esp32.NVS("node")
def get(key):
    try:
        return nvs.get_i32(key)
    except OSError as error:
        return error.args
print("got", get("n"), get("m"))
"""


async def lines_of(board: Board, starts: int) -> list[str]:
    await board.until(lambda: board.counts.starts == starts and (board.stuck or board.asleep))
    return [line for line in board.console.text().splitlines() if line.startswith("got")]


async def test_only_what_is_committed_survives(make_board: MakeBoard) -> None:
    store = "nvs.set_i32('n', -7)\nnvs.commit()\nnvs.set_i32('m', 8)\nprint('got', get('n'), get('m'))"
    board = make_board(NVS + store)
    await board.power_on()
    missing = "(-4354, 'ESP_ERR_NVS_NOT_FOUND')"
    assert await lines_of(board, 1) == [f"got {missing} {missing}", "got -7 8"]
    await board.power_cut()
    await board.power_on()
    assert (await lines_of(board, 2))[2] == f"got -7 {missing}"


async def test_blobs_and_errors(make_board: MakeBoard) -> None:
    main = """
import esp32
nvs = esp32.NVS("node")
nvs.set_blob("key", b"\\x00\\x01two")
buf = bytearray(8)
print("got", nvs.get_blob("key", buf), bytes(buf[:5]))
for call in (lambda: nvs.get_blob("key", bytearray(2)), lambda: nvs.get_i32("key"),
             lambda: nvs.set_i32("k" * 16, 1), lambda: nvs.erase_key("none")):
    try:
        call()
    except OSError as error:
        print("got", error.args[1])
nvs.erase_key("key")
try:
    nvs.get_blob("key", buf)
except OSError as error:
    print("got", error.args[0])
"""
    board = make_board(main)
    await board.power_on()
    assert await lines_of(board, 1) == [
        "got 5 b'\\x00\\x01two'",
        "got ESP_ERR_NVS_INVALID_LENGTH",
        "got ESP_ERR_NVS_TYPE_MISMATCH",
        "got ESP_ERR_NVS_KEY_TOO_LONG",
        "got ESP_ERR_NVS_NOT_FOUND",
        "got -4354",
    ]


async def test_partition(make_board: MakeBoard) -> None:
    board = make_board("import esp32\nprint('got', esp32.Partition(esp32.Partition.RUNNING).info()[4])")
    await board.power_on()
    assert await lines_of(board, 1) == ["got factory"]
