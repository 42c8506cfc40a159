"""The carrier with a real bridge at the other end: its firmware in real MicroPython behind a pty."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.radio_schema import Lora
from gateway.carriers.bridge import BridgeCarrier
from gateway.carriers.radios import receivers_of
from gateway.clock import utc_ms
from gateway.model import Downlink, Uplink
from hardware.virtual.bridge import VirtualBridge
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.sx1262 import Sx1262
from hardware.virtual.clock import RealClock
from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception
from tests.gateway.carriers.test_concentrators import ASKING
from tools.firmware_image import compiled
from wire import bridge as cable

pytestmark = pytest.mark.timeout(400)

PATIENCE_S = 90.0
# Answers after two seconds: a machine with much else to do must not make the test fail.
LORA = Lora(frequency_khz=868100, spreading_factor=7, bandwidth_khz=125, power_dbm=14, answer_delay_ms=2000)
UP, DOWN = Modulation(868_100, 7), Modulation(869_525, 7, inverted=True)


class Bench:
    """A bridge on its cable, a node's antenna, and the carrier of a gateway."""

    def __init__(self, folder: Path) -> None:
        self.medium = Medium(RealClock())
        self.antenna = Antenna("bridge", self.medium, (0, 0))
        self.node = Antenna("node", self.medium, (800, 0))
        self.answers: asyncio.Queue[Reception] = asyncio.Queue()
        self.node.on_packet = self.answers.put_nowait
        self.heard: asyncio.Queue[Uplink] = asyncio.Queue()
        kind = builtin_catalog().boards["heltec-v3"]
        self.bridge = VirtualBridge(folder / "board", folder / "port", self.antenna, kind, compiled())
        self.carrier = self.make_carrier()

    def make_carrier(self) -> BridgeCarrier:
        return BridgeCarrier(LORA, receivers_of(LORA), str(self.bridge.port.path))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """The gateway runs."""

        async def run() -> None:
            async with contextlib.aclosing(self.carrier.uplinks()) as uplinks:
                async for batch in uplinks:
                    for uplink in batch:
                        self.heard.put_nowait(uplink)

        task = asyncio.create_task(run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - several things at once change it
                await asyncio.sleep(0.01)

    async def listens(self) -> None:
        """Wait until the bridge's radio hears what nodes send."""
        await self.until(
            lambda: self.carrier.connected and bool(self.antenna.accepts and self.antenna.accepts(UP))
        )

    def say(self, number: int) -> bytes:
        """The node sends a frame that asks for an answer."""
        frame = ASKING + bytes((number,))
        self.node.send(UP, frame, 14)
        return frame

    @property
    def radio(self) -> Sx1262:
        return next(chip for chip in self.bridge.board.wiring.chips() if isinstance(chip, Sx1262))

    async def taken_from_radio(self) -> None:
        """Wait until the node's packet is over and the bridge has fetched it from its radio."""
        end_s = self.node.sending_until_s + 0.02
        now_s = self.medium.clock.monotonic_s
        await self.until(lambda: now_s() > end_s and not self.radio.dio1.level())

    async def uplink(self) -> Uplink:
        return await asyncio.wait_for(self.heard.get(), PATIENCE_S)

    async def answered(self, uplink: Uplink) -> None:
        """Answer until the node hears it: a machine with much else to do may miss the moment."""
        for number in range(10):
            await self.carrier.send([Downlink(11, b"answer", uplink)])
            try:
                answer = await asyncio.wait_for(self.answers.get(), 10)
            except TimeoutError:
                await self.listens()
                self.say(10 + number)
                uplink = await self.uplink()
                self.node.listen(lambda modulation: modulation == DOWN)
                continue
            assert (answer.signal.payload, answer.intact) == (b"answer", True)
            return
        raise AssertionError(f"never answered: {self.carrier.counts}")

    async def told(self, cause: str, count: int) -> None:
        """Wait until the bridge has counted so many; it is asked, so that it tells at once."""
        self.bridge.board.type(cable.line(cable.ASK, 0))
        await self.until(lambda: self.counted(f"bridge: {cause}") >= count)

    def counted(self, cause: str) -> int:
        return self.carrier.counts[cause]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    found = Bench(tmp_path)
    yield found
    await found.bridge.close()


async def test_up_and_down_again(bench: Bench) -> None:
    async with bench.listening():
        await bench.bridge.plug()
        await bench.listens()
        frame = bench.say(1)
        uplink = await bench.uplink()
        (reception,) = uplink.receptions
        assert (uplink.frame, uplink.carrier) == (frame, "lora")
        assert reception.receiver == bench.carrier.talk.receiver
        assert (reception.spreading_factor, reception.frequency_khz) == (7, 868_100)
        assert -125 < reception.rssi_dbm < -60
        bench.node.listen(lambda modulation: modulation == DOWN)
        await bench.answered(uplink)
        await bench.listens()
        frame = bench.say(99)
        assert (await bench.uplink()).frame == frame
        await bench.told("sent", 1)
        assert bench.radio.violations == 0


async def test_the_cable_is_pulled_and_put_in_again(bench: Bench) -> None:
    async with bench.listening():
        await bench.bridge.plug()
        await bench.listens()
        first = bench.carrier.talk.receiver
        await bench.bridge.unplug()
        await bench.until(lambda: not bench.carrier.connected)
        uplink = Uplink(ASKING, utc_ms(), "lora", -90, 5.0, ())
        await bench.carrier.send([Downlink(11, b"answer", uplink)])  # it does not mind
        await bench.bridge.plug()
        await bench.listens()
        frame = bench.say(1)
        assert (await bench.uplink()).frame == frame
        assert bench.carrier.talk.receiver == first
        assert bench.counted("bridge starts") == 2


async def test_a_bridge_that_is_reset_is_set_up_again(bench: Bench) -> None:
    async with bench.listening():
        await bench.bridge.plug()
        await bench.listens()
        frame = bench.say(1)
        assert (await bench.uplink()).frame == frame
        await bench.bridge.board.press_reset()
        await bench.until(lambda: bench.counted("bridge starts") == 2)
        await bench.listens()
        again = bench.say(2)  # the first packet of this start has the same number on the cable
        assert (await bench.uplink()).frame == again


async def test_what_is_no_message_is_counted_and_harms_nothing(bench: Bench) -> None:
    async with bench.listening():
        await bench.bridge.plug()
        await bench.listens()
        good = cable.line(cable.HEARD, 9, bytes(40))
        for junk in (b"\0" * 700, b"panic: \xff\xfe\r\n", good[:-9] + b"\n", bytes(range(4, 256)), good[:20]):
            bench.bridge.port.send(junk)
            bench.bridge.board.type(junk)
        frame = bench.say(1)
        assert (await bench.uplink()).frame == frame
        await bench.told("garbled on the cable", 2)
        assert bench.counted("garbled on the cable") >= 2
        assert bench.counted("bridge starts") == 1
        assert bench.heard.empty()


async def test_packets_wait_for_the_gateway_and_what_is_lost_is_counted(bench: Bench) -> None:
    async with bench.listening():
        await bench.bridge.plug()
        await bench.listens()
        bench.bridge.port.cable.mute = True
        frames = []
        for number in range(35):
            frames.append(bench.say(number))
            await bench.taken_from_radio()
        bench.bridge.port.cable.mute = False
        received = [await bench.uplink() for _ in frames[3:]]
        assert [uplink.frame for uplink in received] == frames[3:]
        assert received[0].received_at_ms < received[-1].received_at_ms - 1000, "when they were heard"
        await bench.told("lost: too many held", 3)
        assert (bench.counted("bridge: lost: too many held"), bench.counted("bridge: heard")) == (3, 35)


async def test_ctrl_c_out_of_the_noise_does_not_silence_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench.listening():
        await bench.bridge.plug()
        await bench.listens()
        bench.bridge.board.type(b"\x03")
        await bench.bridge.board.until(lambda: "prompt open" in bench.bridge.board.console.text(), PATIENCE_S)
        monkeypatch.setattr("gateway.carriers.bridge_talk.SILENT_S", 0.5)
        monkeypatch.setattr("gateway.carriers.bridge_talk.REVIVE_S", 1.0)
        await bench.until(lambda: bench.bridge.board.counts.software_resets > 0)
        monkeypatch.undo()
        await bench.until(lambda: bench.counted("bridge starts") == 2)
        await bench.listens()
        frame = bench.say(1)
        assert (await bench.uplink()).frame == frame


async def test_a_radio_that_hangs_is_told_and_comes_back(bench: Bench) -> None:
    async with bench.listening():
        await bench.bridge.plug()
        await bench.listens()
        bench.radio.fault = Fault.STUCK
        await bench.until(lambda: not bench.carrier.connected)
        bench.radio.fault = Fault.NONE
        await bench.listens()
        frame = bench.say(1)
        assert (await bench.uplink()).frame == frame
        assert bench.counted("bridge starts") == 1
