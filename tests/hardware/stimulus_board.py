"""A virtual stimulus board on a port of this machine: the firmware in its role, and what its outputs do."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hardware.virtual import flash
from hardware.virtual.chips.chip import Chip
from hardware.virtual.chips.ds18b20 import Ds18b20, OneWireBus
from hardware.virtual.chips.mcp4725 import Mcp4725
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import RealClock
from hardware.virtual.wiring import I2cBus, UartLine, Wiring
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import program
from tools.firmware_image import compiled

SETTINGS: dict[str, Any] = {
    "role": "stimulus",
    "stimulus": {
        "ranger": {"uart": 1, "tx": 17, "rx": 16},
        "meter": {"uart": 2, "tx": 26, "rx": 27, "parity": "E"},
        "loops": {
            "i2c": 0, "scl": 22, "sda": 21, "addresses": [0x60, 0x61], "vdd_mv": 3300, "shunt_ohm": 100,
        },
        "contact": 25,
        "probe": 23,
    },
}  # fmt: skip
PROBE_ROM = bytes.fromhex("28de310000000080")


class Heard(SerialChip):
    """The other end of a serial output: all that came."""

    def __init__(self, line: LineSettings) -> None:
        super().__init__(line)
        self.content = b""

    def received(self, content: bytes) -> None:
        self.content += content


class Contact(Chip):
    """The other end of the contact: how often it closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closings = 0
        self._level = 1

    def level(self) -> int:
        return self._level

    def driven(self, level: int | None) -> None:
        now = 1 if level is None else level
        self.closings += self._level == 1 and now == 0
        self._level = now


class StimulusOnBench:
    """`port` is its serial port while it is plugged in; `water_c` what its probe hangs in.

    Without `settings` it is fresh from the factory.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = SETTINGS) -> None:
        self.dacs = Mcp4725(), Mcp4725()
        self.ranger, self.meter = Heard(LineSettings(9600)), Heard(LineSettings(2400, parity="E"))
        self.contact = Contact()
        self.water_c = 4.0
        clock = RealClock()
        wiring = Wiring(
            i2c=(I2cBus(22, 21, dict(zip((0x60, 0x61), self.dacs, strict=True))),),
            uart=(UartLine(17, 16, self.ranger), UartLine(26, 27, self.meter)),
            onewire={23: OneWireBus(Ds18b20(PROBE_ROM, lambda: self.water_c, clock))},
            pins={25: self.contact},
        )
        (folder / "ports").mkdir(parents=True)
        self.bench = BoardOnBench(
            "stimulus", folder / "board", folder / "ports/ttyUSB1",
            program=program("esp32") if settings else b"", wiring=wiring, clock=clock,
        )  # fmt: skip
        if settings:
            files = {**compiled(), "settings.json": json.dumps(settings).encode()}
            flash.make_image(self.bench.board.image, files)

    @property
    def port(self) -> str:
        return str(self.bench.port.path)
