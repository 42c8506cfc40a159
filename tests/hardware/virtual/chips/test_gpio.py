"""The load switch and the pulse contact."""

import asyncio

from hardware.virtual.chips.chip import Chip, Fault
from hardware.virtual.chips.gpio import PulseContact, Switch
from hardware.virtual.clock import ManualClock


def test_a_switch_feeds_its_loads() -> None:
    clock = ManualClock()
    load = Chip()
    switch = Switch(load, clock=clock)
    powered = []
    for level in (None, 1, 1, None):
        switch.driven(level)
        clock.advance(2)
        powered.append((load.powered, switch.on_for_s()))
    assert powered == [(False, 0), (True, 2), (True, 4), (False, 0)]


def test_a_broken_switch_stays_off() -> None:
    switch = Switch(clock=ManualClock(), on_level=0)
    switch.fault = Fault.DISCONNECTED
    switch.driven(0)
    assert not switch.on


async def test_each_step_of_the_total_is_one_pulse() -> None:
    clock = ManualClock()
    total = [7.9]
    contact = PulseContact(lambda: total[0], clock)
    contact.power_on()
    levels: list[int] = []
    contact.listen(levels.append)
    task = asyncio.create_task(contact.run())
    await asyncio.sleep(0)
    total[0] = 10.2
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    assert levels == [0, 1] * 3
    assert contact.pulses == 3
