"""Supply, resets, deep sleep, watchdog and the end of programs, with firmware in the real interpreter."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from hardware.virtual import flash
from hardware.virtual.board import Board, BoardFault, State
from hardware.virtual.chips.ads1115 import Ads1115
from hardware.virtual.chips.gpio import PulseContact
from hardware.virtual.clock import RealClock, VirtualClock
from hardware.virtual.wiring import I2cBus, Wiring

MakeBoard = Callable[..., Board]

COUNT = """
import machine, time
rtc = machine.RTC()
n = int(rtc.memory() or b"0") + 1
rtc.memory(str(n))
print("run", n, "cause", machine.reset_cause(), "wake", machine.wake_reason())
"""


def woken(board: Board, times: int) -> bool:
    return board.counts.wakes >= times


def runs(board: Board) -> list[str]:
    return [line for line in board.console.text().splitlines() if line.startswith("run ")]


async def test_deep_sleep_keeps_rtc_memory_and_the_clock(make_board: MakeBoard) -> None:
    board = make_board(COUNT + "print('time', time.time())\nmachine.deepsleep(600)")
    await board.power_on()
    await board.until(lambda: board.counts.wakes == 2)
    await board.until(lambda: board.asleep)
    assert runs(board) == ["run 1 cause 1 wake 0", "run 2 cause 4 wake 4", "run 3 cause 4 wake 4"]
    assert board.rtc_memory == b"3"
    times = [int(line[5:]) for line in board.console.text().splitlines() if line.startswith("time ")]
    assert times[0] < times[2], "two sleeps of 0.6 s"
    assert times[2] < 3600, "it began anew with the supply"


async def test_power_off_loses_rtc_memory_and_the_clock(make_board: MakeBoard) -> None:
    board = make_board(COUNT + "machine.deepsleep(100000)")
    for _ in range(2):
        await board.power_on()
        await board.until(lambda: board.asleep)
        await board.power_cut()
        assert board.state is State.OFF
    assert runs(board) == ["run 1 cause 1 wake 0"] * 2
    assert board.counts.power_cuts == 2


async def test_sleep_lasts_what_was_asked(make_board: MakeBoard) -> None:
    clock = VirtualClock()
    board = make_board("import machine\nmachine.deepsleep(600000)", clock=clock)
    began_s = clock.monotonic_s()
    await board.power_on()
    await board.until(lambda: board.counts.wakes == 1)
    assert 600 <= clock.monotonic_s() - began_s < 660


async def test_a_slow_rtc_sleeps_longer_than_the_node_believes(make_board: MakeBoard) -> None:
    clock = VirtualClock()
    board = make_board("import machine\nmachine.deepsleep(300000)", clock=clock, drift_ppm=1_000_000)
    await board.power_on()
    began_s, before_ms = clock.monotonic_s(), board.rtc_unix_ms
    await board.until(lambda: board.counts.wakes == 1)
    believed_ms = board.rtc_unix_ms - before_ms
    assert clock.monotonic_s() - began_s > 590
    assert believed_ms == pytest.approx((clock.monotonic_s() - began_s) * 500, abs=15_000)


async def test_a_hanging_program_is_reset_by_the_watchdog(make_board: MakeBoard) -> None:
    hang = "if n > 1: machine.deepsleep(60000)\nwdt = machine.WDT(timeout=400)\nwhile True: pass"
    board = make_board(COUNT + hang)
    await board.power_on()
    await board.until(lambda: board.asleep)
    assert board.counts.watchdog_resets == 1
    assert runs(board) == ["run 1 cause 1 wake 0", "run 2 cause 3 wake 0"]


async def test_a_fed_watchdog_stays_quiet(make_board: MakeBoard) -> None:
    feed = "for _ in range(14):\n    time.sleep_ms(20000)\n    wdt.feed()\n"
    main = COUNT + "wdt = machine.WDT(timeout=120000)\n" + feed + "machine.deepsleep(60000)"
    board = make_board(main, clock=VirtualClock())
    await board.power_on()
    await board.until(lambda: board.asleep)
    assert board.counts.watchdog_resets == 0


async def test_reset_and_soft_reset(make_board: MakeBoard) -> None:
    then = "if n == 1: machine.reset()\nif n == 2: machine.soft_reset()\nmachine.deepsleep(60000)"
    board = make_board(COUNT + then)
    await board.power_on()
    await board.until(lambda: board.asleep)
    assert runs(board) == ["run 1 cause 1 wake 0", "run 2 cause 2 wake 0", "run 3 cause 5 wake 0"]
    assert board.counts.software_resets == 2


async def test_deepsleep_ends_the_program_at_once(make_board: MakeBoard) -> None:
    main = """
import machine
try:
    machine.deepsleep(60000)
except BaseException:
    print("no")
finally:
    print("no")
"""
    board = make_board(main)
    await board.power_on()
    await board.until(lambda: board.asleep)
    assert "no" not in board.console.text().split("\n")


@pytest.mark.parametrize(
    ("main", "because"),
    [("raise ValueError('gone wrong')", "uncaught exception"), ("print(1)", "program ended")],
)
async def test_a_program_that_ends_leaves_the_board_stuck(
    make_board: MakeBoard, main: str, because: str
) -> None:
    board = make_board(main)
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert board.stuck_because == because
    assert board.counts.ended_programs == 1
    if because == "uncaught exception":
        assert "ValueError: gone wrong" in board.console.text()


async def test_the_watchdog_frees_a_board_from_the_repl(make_board: MakeBoard) -> None:
    raising = "if n > 1: machine.deepsleep(60000)\nmachine.WDT(timeout=4000)\nraise ValueError"
    board = make_board(COUNT + raising)
    await board.power_on()
    await board.until(lambda: board.asleep)
    assert board.counts.ended_programs == 1
    assert board.counts.watchdog_resets == 1
    assert not board.stuck


async def test_a_failing_boot_py_keeps_main_py_from_running(make_board: MakeBoard) -> None:
    board = make_board("print('main')", tree={"boot.py": b"1/0"})
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert "ZeroDivisionError" in board.console.text()
    assert "main\n" not in board.console.text()


async def test_a_killed_interpreter_is_a_crash_and_starts_again(make_board: MakeBoard) -> None:
    board = make_board(COUNT + "if n == 2: machine.deepsleep(60000)\nwhile True: time.sleep(1)")
    await board.power_on()
    await board.until(lambda: "wake 0\n" in board.console.text())
    assert board.pid is not None
    os.kill(board.pid, signal.SIGKILL)
    await board.until(lambda: board.asleep)
    assert board.counts.crashes == 1
    assert runs(board) == ["run 1 cause 1 wake 0", "run 2 cause 2 wake 0"]


async def test_power_cut_in_the_middle_of_a_run(make_board: MakeBoard) -> None:
    board = make_board("while True: pass")
    await board.power_on()
    await board.power_cut()
    assert board.state is State.OFF
    assert board.pid is None


async def test_the_reset_button_starts_the_rtc_anew(make_board: MakeBoard) -> None:
    board = make_board(COUNT + "machine.deepsleep(60000)")
    await board.power_on()
    await board.until(lambda: board.asleep)
    await board.press_reset()
    await board.until(lambda: board.asleep)
    assert runs(board) == ["run 1 cause 1 wake 0"] * 2


async def test_the_reset_button_after_a_crash_starts_one_run_only(make_board: MakeBoard) -> None:
    board = make_board("print('up')\nwhile True: pass")
    await board.power_on()
    await board.until(lambda: "up" in board.console.text())
    assert board.pid is not None
    os.kill(board.pid, signal.SIGKILL)
    await board.until(lambda: board.counts.crashes == 1)
    before = board.counts.starts
    await board.press_reset()
    await asyncio.sleep(0.4)
    assert board.counts.starts == before + 1


async def test_two_boards_in_one_process(make_board: MakeBoard) -> None:
    boards = [make_board(COUNT + "machine.deepsleep(50)") for _ in range(2)]
    await asyncio.gather(*(board.power_on() for board in boards))
    for board in boards:
        await board.until(partial(woken, board, 3))
        assert runs(board)[:3] == ["run 1 cause 1 wake 0", "run 2 cause 4 wake 4", "run 3 cause 4 wake 4"]
    assert boards[0].image != boards[1].image


async def test_a_pin_wakes_the_board(make_board: MakeBoard) -> None:
    clock = RealClock()
    contact = PulseContact(lambda: 0, clock)
    sleep = "import esp32\nesp32.wake_on_ext0(machine.Pin(33), 0)\nmachine.deepsleep(60000)"
    board = make_board(COUNT + sleep, Wiring(pins={33: contact}), clock=clock)
    await board.power_on()
    await board.until(lambda: board.asleep)
    await contact.tip()
    await board.until(lambda: board.counts.wakes >= 1 and board.asleep)
    assert runs(board)[1] == "run 2 cause 4 wake 2"


async def test_what_a_chip_cannot_do_reaches_the_test(make_board: MakeBoard) -> None:
    def broken() -> float:
        raise KeyError("no such series")

    wiring = Wiring(i2c=(I2cBus(22, 21, {0x48: Ads1115({0: broken}, RealClock())}),))
    main = "from machine import I2C, Pin\nI2C(0, scl=Pin(22), sda=Pin(21)).writeto(72, b'\\x01\\xc5\\x83')"
    board = make_board(main, wiring)
    await board.power_on()
    with pytest.raises(BoardFault, match="no such series"):
        await board.until(lambda: board.stuck)


async def test_the_flash_belongs_to_the_running_program(make_board: MakeBoard) -> None:
    board = make_board("while True: pass")
    await board.power_on()
    with pytest.raises(RuntimeError, match="is running"):
        board.files()


async def test_blank_flash_is_formatted_and_corrupt_flash_is_reported(make_board: MakeBoard) -> None:
    board = make_board("")
    flash.make_blank(board.image)
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert board.stuck_because == "program ended"
    assert flash.read_image(board.image) == {}
    await board.power_cut()
    board.image.write_bytes(bytes(flash.BLOCK_SIZE * flash.BLOCKS))
    await board.power_on()
    await board.until(lambda: board.stuck)
    assert board.stuck_because == "file system"


async def test_waiting_too_long_shows_what_was_printed(make_board: MakeBoard) -> None:
    board = make_board("print('hello')\nwhile True: pass")
    await board.power_on()
    await board.until(lambda: "hello" in board.console.text())
    with pytest.raises(TimeoutError, match=r"node1 is running after 0\.2 s; it printed:\n(.|\n)*hello"):
        await board.until(lambda: board.asleep, timeout_s=0.2)
