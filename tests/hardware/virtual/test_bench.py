"""The tester's clock: virtual time passes only while he waits."""

import asyncio

from hardware.virtual.bench import HeldClock
from hardware.virtual.clock import VirtualClock

HOUR_S = 3600.0


async def test_it_jumps_while_the_tester_waits_and_not_while_he_looks() -> None:
    clock = VirtualClock()
    tester = HeldClock(clock)
    rung: list[float] = []
    clock.call_later(HOUR_S, lambda: rung.append(clock.monotonic_s()))
    await asyncio.sleep(0.05)
    assert rung == []
    await tester.sleep(HOUR_S / 2)
    await asyncio.sleep(0.05)
    assert rung == []
    assert HOUR_S / 2 <= tester.monotonic_s() < HOUR_S / 2 + 60
    await tester.sleep(HOUR_S)
    assert len(rung) == 1


async def test_a_wait_that_is_given_up_holds_the_clock_again() -> None:
    clock = VirtualClock()
    tester = HeldClock(clock)
    waiting = asyncio.ensure_future(tester.sleep(2 * HOUR_S))
    clock.hold()  # the board computes
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.release()  # ... and sleeps
    await asyncio.sleep(0.05)
    assert tester.monotonic_s() < HOUR_S
