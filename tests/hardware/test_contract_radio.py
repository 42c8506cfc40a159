"""What every radio of a bench keeps: the virtual one, and a LoRa bridge behind an attenuator, both on ports.

The bridge is real MicroPython in its role; the board under test is an antenna on the same air.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.radio_schema import Lora
from gateway.model import Downlink
from hardware.bench.lora_bridge import BridgeRadio
from hardware.bench.step_attenuator import StepAttenuator
from hardware.protocols import InstrumentError, Radio
from hardware.virtual.bridge import VirtualBridge
from hardware.virtual.clock import RealClock
from hardware.virtual.radio.listener import FIXED_DB, VirtualRadio
from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception
from hardware.virtual.radio.physics import airtime_s, noise_dbm
from tests.hardware.attenuator_board import AttenuatorOnBench
from tests.waiting import until
from tools.firmware_image import compiled
from wire.frame import ACK_REQUESTED, DATA, pack_header

LIMIT_S = 120.0
AGAIN_S = 1.0
POWER_DBM = 14
LORA = Lora(
    frequency_khz=868_300, spreading_factor=7, bandwidth_khz=125, power_dbm=POWER_DBM, answer_delay_ms=1000
)
UPLINK = Modulation(868_300, 7)


@dataclass(slots=True)
class Scene:
    """The radio, and the board's antenna. `heard` is what the board gets."""

    radio: Radio
    board: Antenna
    heard: list[Reception]

    async def send(self, payload: bytes, modulation: Modulation = UPLINK) -> None:
        """Send a packet and wait until the air is free."""
        signal = self.board.send(modulation, payload, POWER_DBM)
        await asyncio.sleep(signal.end_s - signal.start_s)

    async def send_until_heard(self, payload: bytes, modulation: Modulation = UPLINK) -> None:
        """Send a packet again and again: a radio that tunes or sends hears nothing meanwhile."""
        async with asyncio.timeout(LIMIT_S):
            while payload not in self.payloads():
                await self.send(payload, modulation)
                with contextlib.suppress(TimeoutError):
                    await until(lambda: payload in self.payloads(), AGAIN_S)

    def payloads(self) -> list[bytes]:
        return [frame.payload for frame in self.radio.heard()]


@pytest.fixture(params=["virtual", "bridge"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    clock = RealClock()
    medium = Medium(clock, fading_db=0.0)
    heard: list[Reception] = []
    board = Antenna("dut", medium)
    board.on_packet = heard.append
    if request.param == "virtual":
        radio = VirtualRadio(board, clock)
        yield Scene(radio, board, heard)
        await radio.close()
        return

    def lose(db: float) -> None:
        medium.losses_db["bridge", "dut"] = FIXED_DB + db

    lose(0)
    loss = AttenuatorOnBench(tmp_path / "ttyUSB2", lose)
    kind = builtin_catalog().boards["heltec-v3"]
    bridge = VirtualBridge(
        tmp_path / "board", tmp_path / "ttyUSB1", Antenna("bridge", medium), kind, compiled()
    )
    await bridge.plug()
    attenuator = StepAttenuator(str(tmp_path / "ttyUSB2"), "dc-6ghz-120db")
    real = BridgeRadio(str(tmp_path / "ttyUSB1"), clock, fixed_db=FIXED_DB, attenuator=attenuator)
    yield Scene(real, board, heard)
    await real.close()
    attenuator.close()
    await bridge.close()
    loss.port.unplug()


async def test_it_hears_what_the_board_sends_and_as_it_was_sent(scene: Scene) -> None:
    radio = scene.radio
    await radio.listen(LORA)
    began_ms = RealClock().utc_ms()
    await scene.send_until_heard(b"seven")
    frame = radio.heard()[0]
    assert (frame.frequency_khz, frame.spreading_factor, frame.bandwidth_khz) == (868_300, 7, 125)
    assert frame.airtime_s == airtime_s(5, 7)
    assert began_ms <= frame.ended_ms <= RealClock().utc_ms()
    assert frame.rssi_dbm == pytest.approx(POWER_DBM - FIXED_DB, abs=1)
    await scene.send(b"another channel", Modulation(868_100, 7))
    await scene.send(b"an answer", Modulation(868_300, 7, inverted=True))

    slow = Modulation(868_300, 9)
    await radio.listen(LORA.model_copy(update={"spreading_factor": 9}))
    await scene.send_until_heard(b"nine", slow)
    assert radio.heard()[-1].spreading_factor == 9
    await scene.send(b"seven again")
    await scene.send_until_heard(b"nine again", slow)
    assert set(scene.payloads()) == {b"seven", b"nine", b"nine again"}


async def test_the_loss_that_is_set_is_the_one_there_is(scene: Scene) -> None:
    radio = scene.radio
    assert radio.attenuator is not None
    await radio.listen(LORA)
    for db, payload in ((60.1, b"sixty"), (100, b"a hundred")):
        found = await radio.attenuate(db)
        assert found == round(db * 4) / 4
        await scene.send_until_heard(payload)
        level_dbm = POWER_DBM - radio.fixed_db - found
        assert radio.heard()[-1].rssi_dbm == pytest.approx(level_dbm, abs=1)
        if level_dbm - noise_dbm() < 10:  # a strong signal's SNR is not measured
            assert radio.heard()[-1].snr_db == pytest.approx(level_dbm - noise_dbm(), abs=1)
    assert [db for _, db in radio.losses] == [60.0, 100.0]

    await radio.attenuate(radio.attenuator.most_db)  # beyond what the slowest bears
    await scene.send(b"lost")
    await radio.attenuate(0)
    await scene.send_until_heard(b"here again")
    assert b"lost" not in scene.payloads()
    with pytest.raises(InstrumentError, match=r"130 dB can not be set: .* from 0 to 124\.75 dB"):
        await radio.attenuate(130)


async def test_a_gateway_hears_by_it_and_answers_in_the_boards_window(scene: Scene) -> None:
    radio = scene.radio
    await radio.listen(LORA)
    carrier = radio.carrier()
    assert carrier.connected
    answer = Modulation(LORA.downlink_khz, 7, inverted=True)
    ended_s = 0.0

    async def gateway() -> None:
        async with contextlib.aclosing(carrier.uplinks()) as uplinks:
            async for batch in uplinks:
                await carrier.send([Downlink(11, b"answer", answers=uplink) for uplink in batch])

    serving = asyncio.create_task(gateway())
    async with asyncio.timeout(LIMIT_S):
        for counter in itertools.count():  # an answer that a slow computer has missed is asked for again
            await scene.send(pack_header(DATA, ACK_REQUESTED, 11, counter) + b"sealed")
            ended_s = scene.board.medium.clock.monotonic_s()
            scene.board.listen(lambda modulation: modulation == answer)
            with contextlib.suppress(TimeoutError):
                await until(lambda: bool(scene.heard), 3 * AGAIN_S)
                break
    signal = scene.heard[0].signal
    assert signal.payload == b"answer"
    assert signal.start_s - ended_s == pytest.approx(LORA.answer_delay_ms / 1000, abs=0.5)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await scene.send_until_heard(b"to nobody")  # it listens on while there is no gateway
