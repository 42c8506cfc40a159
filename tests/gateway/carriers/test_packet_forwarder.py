"""The carrier on a real socket, with a virtual concentrator at the other end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from device_configs.radio_schema import Lora
from gateway.carriers.packet_forwarder import PacketForwarderCarrier
from gateway.carriers.radios import receivers_of
from gateway.model import Downlink, Uplink
from hardware.virtual.clock import RealClock
from hardware.virtual.radio.forwarder import VirtualForwarder
from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception
from tests.gateway.carriers.test_concentrators import ASKING
from tests.waiting import until
from tools.servers import free_port

LORA = Lora(frequency_khz=868100, spreading_factor=7, bandwidth_khz=125, power_dbm=14, answer_delay_ms=300)


def carrier_at(port: int) -> PacketForwarderCarrier:
    return PacketForwarderCarrier(LORA, receivers_of(LORA), port=port)


@asynccontextmanager
async def listening(carrier: PacketForwarderCarrier) -> AsyncIterator["asyncio.Queue[Uplink]"]:
    """The uplinks of a running carrier."""
    heard: asyncio.Queue[Uplink] = asyncio.Queue()

    async def run() -> None:
        async with contextlib.aclosing(carrier.uplinks()) as uplinks:
            async for batch in uplinks:
                for uplink in batch:
                    heard.put_nowait(uplink)

    task = asyncio.create_task(run())
    try:
        yield heard
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_up_through_a_concentrator_and_down_again() -> None:
    medium = Medium(RealClock())
    carrier = carrier_at(free_port())
    node = Antenna("node", medium, (800, 0))
    answered: asyncio.Queue[Reception] = asyncio.Queue()
    node.on_packet = answered.put_nowait
    async with listening(carrier) as heard:
        await until(lambda: carrier._transport is not None)
        forwarder = VirtualForwarder(bytes(range(8)), medium, carrier._where)
        await forwarder.open()
        try:
            await until(lambda: carrier.connected)
            for number in range(20):  # a computer with much else to do may miss the moment
                frame = ASKING + bytes((number,))
                node.send(Modulation(868_100, 7), frame, 14)
                uplink = await asyncio.wait_for(heard.get(), 60)
                assert uplink.frame == frame
                assert uplink.receptions[0].receiver == bytes(range(8)).hex()
                node.listen(lambda modulation: modulation == Modulation(869_525, 7, inverted=True))
                await carrier.send([Downlink(11, b"answer", uplink)])
                with contextlib.suppress(TimeoutError):
                    reception = await asyncio.wait_for(answered.get(), 5)
                    break
            else:
                pytest.fail(f"never answered: {carrier.counts}, {forwarder.errors}")
            assert reception.signal.payload == b"answer"
            assert carrier.counts["downlinks"] >= 1
            assert set(forwarder.errors) <= {"TOO_LATE"}
        finally:
            forwarder.close()


@pytest.mark.parametrize("junk", [b"", b"\x02", b"\x02\0\0\0" + bytes(8) + b"{", bytes(2000)])
async def test_what_a_stranger_sends_is_dropped_and_counted(junk: bytes) -> None:
    carrier = carrier_at(free_port())
    async with listening(carrier) as heard:
        await until(lambda: carrier._transport is not None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(junk, carrier._where)
        await until(lambda: bool(carrier.counts))
        assert heard.empty()


async def test_a_port_that_is_taken_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.carriers.packet_forwarder.REBIND_S", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        carrier = carrier_at(other.getsockname()[1])
        async with listening(carrier):
            await asyncio.sleep(0.1)
            assert carrier._transport is None
            other.close()
            await until(lambda: carrier._transport is not None)
