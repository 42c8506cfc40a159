"""A bench, opened: the instruments its file names, for one test at a time."""

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from device_configs.board import Board
from device_configs.model import Node, Site
from hardware.bench.flasher import EsptoolFlasher
from hardware.bench.ina219 import Ina219, LinuxI2c
from hardware.bench.lora_bridge import BridgeRadio
from hardware.bench.serial_console import SerialConsole
from hardware.bench.step_attenuator import StepAttenuator
from hardware.bench.stimulus import StimulusBoard
from hardware.bench.usb_port import SysfsPort, UsbPortPower
from hardware.bench.usb_relay import Hidraw, RelayPower
from hardware.bench_file import (
    BenchFile,
    Esptool,
    Ina219Wired,
    LoraBridge,
    SerialAttenuator,
    SerialPort,
    StimulusPort,
    UsbPort,
    UsbRelay,
    VirtualBoard,
)
from hardware.bench_file import VirtualStimulus as VirtualStimulusEntry
from hardware.protocols import Console, Flasher, InstrumentError, Meter, Power, Radio, Stimulus
from hardware.strategy import Known
from hardware.virtual.bench import (
    VirtualConsole,
    VirtualDevice,
    VirtualFlasher,
    VirtualMeter,
    VirtualPower,
    VirtualStimulus,
)
from hardware.virtual.clock import Clock, RealClock, VirtualClock
from hardware.virtual.radio.listener import VirtualRadio
from hardware.virtual.radio.medium import Antenna, Medium

Closing = Hidraw | LinuxI2c | StepAttenuator
APPEARS_S, LOOK_S = 10.0, 0.05  # until a computer has found what was plugged in
FADING_DB = 0.3  # on a cable next to nothing varies


@dataclass(slots=True)
class Bench:
    """`known` is what lies on the board; on a real bench it outlives the test."""

    file: BenchFile
    site: Site
    node: Node
    clock: Clock
    console: Console
    power: Power
    flasher: Flasher
    stimulus: Stimulus | None
    meter: Meter | None
    radio: Radio | None
    known: Known


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a bench for this process alone, by a lock on its file. Raises InstrumentError."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InstrumentError(
                f"bench {path.stem} is in use: wait until the other run has ended"
            ) from error
        yield


@asynccontextmanager
async def opened(
    file: BenchFile, site: Site, node: Node, path: Path, folder: Path, known: Known | None = None
) -> AsyncIterator[Bench]:
    """Open the instruments of the bench in `path`; a virtual board lives in `folder`.

    Raises InstrumentError.
    """
    if isinstance(file.console, VirtualBoard):
        clock = VirtualClock()
        antenna = Antenna("dut", Medium(clock, fading_db=FADING_DB)) if file.radio else None
        device = VirtualDevice(
            node,
            site.catalog,
            folder / "board",
            clock,
            file.network.ssid,
            file.console.drift_ppm,
            file.console.drift_ppm_per_c,
            antenna,
        )
        console: Console = VirtualConsole(device)
        bench = Bench(
            file,
            site,
            node,
            device.clock,
            console,
            VirtualPower(device),
            VirtualFlasher(device),
            (
                VirtualStimulus(device, file.stimulus.channels, button=file.stimulus.button)
                if isinstance(file.stimulus, VirtualStimulusEntry)
                else None
            ),
            VirtualMeter(device.board, device.clock) if file.meter else None,
            VirtualRadio(antenna, clock, attenuator=file.attenuator is not None) if antenna else None,
            Known(),
        )
        try:
            yield bench
        finally:
            await console.close()
            if bench.radio is not None:
                await bench.radio.close()
        return
    real = RealClock()
    closing: list[Closing] = []
    serial: SerialConsole | None = None
    stimulus: StimulusBoard | None = None
    radio: BridgeRadio | None = None
    try:
        power = _power(file, closing)
        serial = await _console(file, real, power)
        flasher = _flasher(file, serial, site.catalog.boards[node.board], path)
        meter = _meter(file, real, closing)
        radio = _radio(file, real, closing)
        if isinstance(file.stimulus, StimulusPort):
            wired = file.stimulus
            stimulus = StimulusBoard(wired.port, node, wired.baud, button=wired.button)
            await stimulus.known()
        yield Bench(file, site, node, real, serial, power, flasher, stimulus, meter, radio, known or Known())
        await power.off()
    finally:
        if serial is not None:
            await serial.close()
        if stimulus is not None:
            await stimulus.close()
        if radio is not None:
            await radio.close()
        for device_ in closing:
            device_.close()


async def _console(file: BenchFile, clock: Clock, power: Power) -> SerialConsole:
    """Open the console; a port that comes with the board's own supply is given that, and waited for."""
    assert isinstance(file.console, SerialPort)
    port = Path(file.console.port)
    there = port.exists
    if not there():
        await power.on()
        end_s = clock.monotonic_s() + APPEARS_S
        while not there():
            if clock.monotonic_s() > end_s:
                raise InstrumentError(
                    f"console {port} is not there, with the board's supply on: is it plugged in, is the path "
                    f"right, is it this board that the supply is switched of?"
                )
            await clock.sleep(LOOK_S)
    return SerialConsole(str(port), clock, file.console.baud)


def _power(file: BenchFile, closing: list[Closing]) -> Power:
    if isinstance(file.power, UsbPort):
        return UsbPortPower(SysfsPort(Path(file.power.port)), file.power.port, off_s=file.power.off_s)
    assert isinstance(file.power, UsbRelay)
    relay = Hidraw(Path(file.power.device))
    closing.append(relay)
    return RelayPower(relay, file.power.relay, inverted=file.power.inverted, off_s=file.power.off_s)


def _flasher(file: BenchFile, console: SerialConsole, board: Board, path: Path) -> Flasher:
    assert isinstance(file.flasher, Esptool)
    image = path.parent / file.flasher.image
    return EsptoolFlasher(console, board.chip, image, board.flash_mb, file.flasher.baud)


def _meter(file: BenchFile, clock: Clock, closing: list[Closing]) -> Meter | None:
    if not isinstance(file.meter, Ina219Wired):
        return None
    device = LinuxI2c(file.meter.bus, file.meter.address)
    closing.append(device)
    return Ina219(device, clock, file.meter.shunt_mohm)


def _radio(file: BenchFile, clock: Clock, closing: list[Closing]) -> BridgeRadio | None:
    if not isinstance(file.radio, LoraBridge):
        return None
    attenuator: StepAttenuator | None = None
    if isinstance(file.attenuator, SerialAttenuator):
        attenuator = StepAttenuator(file.attenuator.port, file.attenuator.model)
        closing.append(attenuator)
    return BridgeRadio(file.radio.port, clock, fixed_db=file.radio.fixed_db, attenuator=attenuator)
