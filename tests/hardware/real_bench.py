"""A bench of real instruments with nothing real on it: each is simulated behind a port of this machine.

The board under test has MicroPython and the intake's sensors, and an adapter for its serial port. Its supply
is a hub's port, which the kernel's file `disable` switches; the stimulus board is wired to its inputs. What
uses the bench sees files only.
"""

import asyncio
from functools import partial
from pathlib import Path
from types import TracebackType

from device_configs.catalog import builtin_catalog
from device_configs.loader import SITES, load_site
from hardware.virtual import flash
from hardware.virtual.bench import CALM, HEAP_KB
from hardware.virtual.bridge import VirtualBridge
from hardware.virtual.chips.ads1115 import Ads1115
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import Surroundings, wire
from hardware.virtual.radio.medium import Antenna, Medium
from hardware.virtual.wifi import AccessPoint
from hardware.virtual.workbench import BoardOnBench
from tests.hardware.attenuator_board import AttenuatorOnBench
from tests.hardware.instruments import INTAKE
from tests.hardware.stimulus_board import StimulusOnBench
from tests.tools.node.bench import program
from tools.firmware_image import compiled

FILE = """\
name: ports
site: narvik-demo
node: {node}
network: {{ssid: bench, host: 127.0.0.1, port: {port}}}
console: {{kind: serial, port: {folder}/ttyUSB0}}
power: {{kind: usb_port, port: {folder}/hub}}
flasher: {{kind: esptool, image: micropython.bin}}
stimulus: {{kind: stimulus_board, port: {stimulus}}}
radio: {{kind: lora_bridge, port: {folder}/ttyUSB2, fixed_db: 34}}
attenuator: {{kind: step_attenuator, port: {folder}/ttyUSB3, model: dc-6ghz-120db}}
"""
LOOK_S = 0.01
TICKS = b"import time\nwhile True:\n    print('ticks', time.ticks_ms())\n    time.sleep_ms(100)"


class RealBench:
    """`path` is the bench's file; `port` that of its broker. `hub_switches`: else the hub only says so.

    `usb_only`: the board has no adapter, so its port comes and goes with its supply.
    """

    def __init__(
        self, folder: Path, port: int = 1883, main: bytes = TICKS, *, usb_only: bool = False
    ) -> None:
        self.path = folder / "ports.yaml"
        self.hub_switches = True
        self._usb_only = usb_only
        clock = RealClock()
        site = load_site(SITES / "narvik-demo")
        node = site.node(INTAKE)
        world = {c.name: CALM[c.name] for c in node.profile.channels if c.name in CALM}
        wiring = wire(node, site.catalog, Surroundings.of(world), clock)
        self.board = BoardOnBench(
            "dut", folder / "dut", folder / "ttyUSB0", program=program("esp32"), wiring=wiring, clock=clock,
            access_point=AccessPoint(clock, "bench"), heap_kb=HEAP_KB["battery"],
        )  # fmt: skip
        self.board.resets = False
        flash.make_image(self.board.board.image, {"main.py": main})
        self.stimulus = StimulusOnBench(folder / "stimulus")
        (adc,) = (chip for chip in wiring.chips() if isinstance(chip, Ads1115))
        adc._inputs = {i: partial(getattr, dac, "volts") for i, dac in enumerate(self.stimulus.dacs)}
        antenna = Antenna("bridge", Medium(clock))
        kind = builtin_catalog().boards["heltec-v3"]
        self.bridge = VirtualBridge(folder / "bridge", folder / "ttyUSB2", antenna, kind, compiled())
        self._attenuator_at = folder / "ttyUSB3"
        self._hub = folder / "hub/disable"
        self._hub.parent.mkdir()
        self._hub.write_text("0\n")
        (folder / "micropython.bin").write_bytes(program("esp32"))
        self.path.write_text(FILE.format(folder=folder, node=INTAKE, port=port, stimulus=self.stimulus.port))

    async def __aenter__(self) -> "RealBench":
        self.attenuator = AttenuatorOnBench(self._attenuator_at)
        await self.board.plug()
        await self.stimulus.bench.plug()
        await self.bridge.plug()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        self.attenuator.port.unplug()
        await self.bridge.close()
        await self.stimulus.bench.close()
        await self.board.close()

    async def _watch(self) -> None:
        """Be the kernel's hub driver."""
        supplied = True
        while True:
            await asyncio.sleep(LOOK_S)
            wanted = self._hub.read_text().strip() != "1"
            if not self.hub_switches or wanted == supplied:
                continue
            supplied = wanted
            if not self._usb_only:
                await self.board.supply(wanted)
            else:
                await (self.board.plug() if wanted else self.board.unplug())
