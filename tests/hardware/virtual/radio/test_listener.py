"""The virtual radio and its clock. What it has in common with the real one is in test_contract_radio.py."""

import asyncio

from device_configs.radio_schema import Lora
from gateway.model import Downlink, Reception
from hardware.virtual.clock import VirtualClock
from hardware.virtual.radio.listener import NAME, VirtualRadio
from hardware.virtual.radio.medium import Antenna, Medium, Modulation

LORA = Lora(frequency_khz=868_300, spreading_factor=7, bandwidth_khz=125, power_dbm=14)
LATER_S = 3600.0


async def test_time_does_not_jump_while_a_gateway_writes() -> None:
    clock = VirtualClock()
    board = Antenna("dut", Medium(clock))
    radio = VirtualRadio(board, clock)
    await radio.listen(LORA)
    carrier = radio.carrier()
    uplinks = carrier.uplinks()
    coming = asyncio.ensure_future(anext(uplinks))
    await asyncio.sleep(0)
    rung: list[float] = []
    board.send(Modulation(868_300, 7), b"a frame", 14)
    clock.call_later(LATER_S, lambda: rung.append(clock.monotonic_s()))
    await coming
    for _ in range(50):  # turns of the loop in which a clock that is free would have jumped
        await asyncio.sleep(0)
    assert rung == []
    asking = asyncio.ensure_future(anext(uplinks))
    async with asyncio.timeout(60):
        while not rung:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await radio.close()


async def test_an_answer_that_comes_too_late_is_counted() -> None:
    clock = VirtualClock()
    radio = VirtualRadio(Antenna("dut", Medium(clock)), clock)
    await radio.listen(LORA)
    heard = Reception(NAME, -80, 7.5, 0, 868_300, 7, 125)
    radio.transmit(heard, b"answer", (radio._ticks() - 1_000) % (1 << 32))
    assert radio.counts == {"not sent: too late": 1}
    await radio._send([Downlink(1, b"answers nothing")])
    await radio.close()
