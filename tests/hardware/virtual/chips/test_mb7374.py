"""The ranger's serial output."""

import asyncio

import pytest

from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.mb7374 import Mb7374, report
from hardware.virtual.clock import ManualClock


async def said(ranger: Mb7374, clock: ManualClock, pings: int) -> bytes:
    heard = bytearray()
    ranger.send = heard.extend
    task = asyncio.create_task(ranger.run())
    for _ in range(1 + pings):  # the clock moves with each sleep: one turn of the loop is one ping
        await asyncio.sleep(0)
    task.cancel()
    return bytes(heard)


@pytest.mark.parametrize(
    ("distance_mm", "expected"),
    [
        (1234, b"R1234\r"), (499, b"R0500\r"), (0, b"R0500\r"), (5000, b"R5000\r"), (7000, b"R5000\r"),
        (999.6, b"R1000\r"),
    ],
)  # fmt: skip
def test_report(distance_mm: float, expected: bytes) -> None:
    assert report(distance_mm) == expected


async def test_it_ranges_freely_after_a_stray_byte() -> None:
    clock = ManualClock()
    ranger = Mb7374(lambda: 2345, clock)
    ranger.power_on()
    heard = await said(ranger, clock, 3)
    assert heard == b"\xff" + 3 * b"R2345\r"


async def test_the_trigger_stops_it_and_a_pulse_lets_one_through() -> None:
    clock = ManualClock()
    ranger = Mb7374(lambda: 2345, clock)
    ranger.power_on()
    ranger.trigger.driven(0)
    ranger.trigger.take()
    assert await said(ranger, clock, 3) == b"\xff"
    ranger.trigger.driven(1)
    ranger.trigger.driven(0)
    assert await said(ranger, clock, 3) == b"\xffR2345\r"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.DISCONNECTED, b""), (Fault.OUT_OF_RANGE, b"R5000\r"), (Fault.STUCK, b"R1000\r"),
        (Fault.CORRUPT, b"R1\xff00\r"),
    ],
)  # fmt: skip
async def test_faults(fault: Fault, expected: bytes) -> None:
    clock = ManualClock()
    distance_mm = [1000.0]
    ranger = Mb7374(lambda: distance_mm[0], clock)
    ranger.power_on()
    await said(ranger, clock, 1)
    if fault is Fault.STUCK:
        distance_mm[0] = 2000
    ranger.fault = fault
    assert (await said(ranger, clock, 1)).lstrip(b"\xff") == expected


async def test_without_supply_it_is_silent() -> None:
    clock = ManualClock()
    assert await said(Mb7374(lambda: 1000, clock), clock, 3) == b""
