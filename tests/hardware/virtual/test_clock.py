"""Virtual time: it jumps while everybody waits, and only then."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hardware.virtual.board import Board
from hardware.virtual.clock import VirtualClock

MakeBoard = Callable[..., Board]


async def test_appointments_are_kept_in_their_order_without_waiting() -> None:
    clock = VirtualClock()
    kept: list[tuple[str, int]] = []

    def keep(name: str) -> None:
        kept.append((name, round(clock.monotonic_s() / 60)))

    for name, after_s in (("late", 3600), ("early", 60), ("never", 2000)):
        meeting = clock.call_later(after_s, partial(keep, name))
        if name == "never":
            meeting.cancel()
    began = time.monotonic()
    await clock.sleep(5000)
    waited_s = time.monotonic() - began
    assert kept == [("early", 1), ("late", 60)]
    assert waited_s < 60
    assert clock.offset_s + waited_s > 4999


async def test_time_does_not_jump_while_somebody_computes() -> None:
    clock = VirtualClock()
    clock.hold()
    sleeper = asyncio.create_task(clock.sleep(1000))
    await asyncio.sleep(0.05)
    assert clock.offset_s == 0
    clock.release()
    await sleeper
    assert clock.offset_s > 990


async def test_a_task_that_was_woken_comes_before_what_is_due_after_it() -> None:
    clock = VirtualClock()
    order: list[str] = []

    async def twice() -> None:
        await clock.sleep(10)
        await clock.sleep(10)
        order.append("at 20")

    task = asyncio.create_task(twice())
    clock.call_later(25, lambda: order.append("at 25"))
    await clock.sleep(30)
    await task
    assert order == ["at 20", "at 25"]


async def test_a_board_sleeps_and_waits_in_virtual_time(make_board: MakeBoard) -> None:
    main = """
import machine, time
t = time.ticks_ms()
time.sleep_ms(20000)
print("waited", time.ticks_diff(time.ticks_ms(), t) // 1000, time.time())
machine.deepsleep(600000)
"""
    clock = VirtualClock()
    # Ticks wrap in each run: 5 s after it began.
    board = make_board(main, clock=clock, ticks_ms=(1 << 30) - 5000)
    await board.power_on()
    await board.until(lambda: board.counts.wakes == 6 and board.asleep)
    lines = [line for line in board.console.text().splitlines() if line.startswith("waited")]
    assert len(lines) == 7
    for number, line in enumerate(lines):  # what a computer takes costs time too
        waited_s, time_s = map(int, line.split()[1:])
        assert 19 <= waited_s < 200
        assert 19 <= time_s - 620 * number < 500


async def test_asyncio_a_timer_and_the_watchdog_live_in_virtual_time(make_board: MakeBoard) -> None:
    main = """
import asyncio, machine, time
watchdog = machine.WDT(timeout=60000)
rings = []
machine.Timer(0).init(period=10000, mode=machine.Timer.PERIODIC, callback=rings.append)
async def live():
    for _ in range(20):
        await asyncio.sleep_ms(30000)
        watchdog.feed()
    print("rang", len(rings))
    await asyncio.sleep(3600)
if machine.reset_cause() != machine.WDT_RESET:
    asyncio.run(live())
machine.deepsleep(1000000)
"""
    board = make_board(main, clock=VirtualClock())
    await board.power_on()
    await board.until(lambda: board.asleep)
    assert board.counts.watchdog_resets == 1
    (told,) = [line for line in board.console.text().splitlines() if line.startswith("rang")]
    assert 59 <= int(told.split()[1]) <= 70  # what a computer takes costs time too


def test_it_begins_when_it_is_told(tmp_path: Path) -> None:
    assert abs(VirtualClock(1_000_000).utc_ms() - 1_000_000) < 5000
