"""A bridge that is not there, one that is silent, one whose radio is dead: each is told from the others."""

from pathlib import Path

import pytest

from device_configs.catalog import builtin_catalog
from device_configs.radio_schema import Lora
from hardware.bench.lora_bridge import BridgeRadio
from hardware.protocols import InstrumentError
from hardware.virtual.bridge import VirtualBridge
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.sx1262 import Sx1262
from hardware.virtual.clock import RealClock
from hardware.virtual.radio.medium import Antenna, Medium
from hardware.virtual.usb_port import UsbPort
from tools.firmware_image import compiled

LORA = Lora(frequency_khz=868_300, spreading_factor=7, bandwidth_khz=125, power_dbm=14)


async def test_a_port_that_is_not_there_and_one_that_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "ttyUSB1"
    with pytest.raises(InstrumentError, match=r"ttyUSB1 is not there\. Is it plugged in"):
        BridgeRadio(str(path), RealClock())
    port = UsbPort(path, lambda content: None, lambda: None, lambda: None)
    port.plug()
    radio = BridgeRadio(str(path), RealClock(), answers_s=0.3)
    with pytest.raises(InstrumentError, match="does not answer: has it this firmware in the role `bridge`"):
        await radio.listen(LORA)
    with pytest.raises(InstrumentError, match="this bench has no attenuator"):
        await radio.attenuate(10)
    port.unplug()


async def test_a_bridge_without_a_working_radio_is_told(tmp_path: Path) -> None:
    kind = builtin_catalog().boards["heltec-v3"]
    antenna = Antenna("bridge", Medium(RealClock()))
    bridge = VirtualBridge(tmp_path / "board", tmp_path / "ttyUSB1", antenna, kind, compiled())
    (chip,) = (chip for chip in bridge.board.wiring.chips() if isinstance(chip, Sx1262))
    chip.fault = Fault.DISCONNECTED
    await bridge.plug()
    radio = BridgeRadio(str(tmp_path / "ttyUSB1"), RealClock(), answers_s=1.0)
    try:
        said = "does not answer"
        for _ in range(120):  # until it has answered at all, for which a slow computer takes its time
            with pytest.raises(InstrumentError) as told:
                await radio.listen(LORA)
            said = str(told.value)
            if "does not answer" not in said:
                break
        assert "answers, but its radio does not work" in said
    finally:
        await radio.close()
        await bridge.close()
