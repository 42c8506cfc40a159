"""A virtual node for a node of a site: its chips on its board's pins, fed by what is true at its place."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Self

from device_configs.board import Sx1262 as Sx1262Pins
from device_configs.catalog import Catalog
from device_configs.model import Node
from hardware.virtual.chips.ads1115 import Ads1115
from hardware.virtual.chips.battery import Battery
from hardware.virtual.chips.chip import Chip, Quantity, Witness
from hardware.virtual.chips.ds18b20 import Ds18b20, OneWireBus
from hardware.virtual.chips.gpio import PulseContact, Switch
from hardware.virtual.chips.han_meter import HanMeter
from hardware.virtual.chips.loop_sensor import LoopSensor
from hardware.virtual.chips.mb7374 import Mb7374
from hardware.virtual.chips.sdm630 import Sdm630
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.chips.sx1262 import Sx1262
from hardware.virtual.chips.tipping_bucket import TippingBucket
from hardware.virtual.clock import Clock
from hardware.virtual.radio.medium import Antenna
from hardware.virtual.wiring import I2cBus, PinChip, SpiBus, UartLine, Wiring

_DIRECTIONS = (("import_power", 1), ("export_power", -1))
Frames = Callable[[], Iterable[tuple[float, bytes]]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is true where a node hangs, by channel of its profile.

    Levels in mm over the datum, distances in mm, temperatures in degrees Celsius, the battery in volts,
    pulses in all. A Modbus meter has them in W, Wh, varh, mA and tenths of a volt, an S0 output in Wh.
    `frames` makes what its meter pushes: (seconds from now, whole frame).
    """

    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    frames: Frames | None = None

    @classmethod
    def of(cls, world: Mapping[str, float], frames: Frames | None = None) -> Self:
        """Return surroundings in which at any time that is true which `world` says then."""
        return cls({name: partial(world.__getitem__, name) for name in world}, frames)


def _unseen(channel: str, raw: int, utc_ms: int) -> None:
    """Nobody asks which samples were taken."""


class NoChip(LookupError):
    """A node needs a chip that nobody has written yet: they are in hardware/virtual/chips."""


def wire(
    node: Node,
    catalog: Catalog,
    around: Surroundings,
    clock: Clock,
    witness: Callable[[str], Witness] = lambda chip: _unseen,
    antenna: Antenna | None = None,
) -> Wiring:
    """Return the wiring of `node`; `witness(chip)` is told of the samples of that kind of chip.

    Without it nobody is. With an `antenna` its board's radio is on the air. Raises NoChip.
    """
    board, profile = catalog.boards[node.board], node.profile
    assert node.sensors is not None
    sensors = node.sensors
    channels = {channel.sensor: channel.name for channel in profile.channels}
    i2c: dict[int, Ads1115] = {}
    onewire: dict[int, OneWireBus] = {}
    adc: dict[int, Battery] = {}
    serial: SerialChip | None = None
    switched: list[Chip] = []
    pins: dict[int, PinChip] = {}
    slots = sorted(profile.sensors, key=lambda slot: profile.sensors[slot])
    for kind, members in groupby(slots, key=lambda slot: profile.sensors[slot]):
        here = list(members)
        made: list[Chip] = []
        if kind == "ads1115":
            for address in sorted({int(sensors[slot]["address"]) for slot in here}):
                loops = {
                    int(sensors[slot]["input"]): _loop(node, channels[slot], sensors[slot], around, clock)
                    for slot in here
                    if int(sensors[slot]["address"]) == address
                }
                inputs = {number: loop.volts for number, loop in loops.items()}
                i2c[address] = Ads1115(inputs, clock, witness(kind))
                made += [i2c[address], *loops.values()]
        elif kind == "ds18b20" and board.onewire:
            probes = [
                _probe(sensors[slot], around.quantities[channels[slot]], clock, witness(kind))
                for slot in here
            ]
            bus = OneWireBus(*probes)
            onewire[board.onewire.pin] = bus
            made.append(bus)
        elif kind == "battery" and board.battery:
            volts = around.quantities[channels[here[0]]]
            adc[board.battery.pin] = Battery(
                volts, clock, board.battery.divider_permille / 1000, witness(kind)
            )
        elif kind == "mb7374":
            serial = Mb7374(around.quantities["distance"], clock, witness(kind))
            made.append(serial)
        elif kind == "han" and around.frames:
            parity = "N" if sensors[here[0]].get("make") == "kamstrup" else "E"
            serial = HanMeter(around.frames(), clock, LineSettings(2400, parity=parity), witness(kind))
        elif kind == "sdm630":
            address, baud = int(sensors[here[0]]["address"]), int(sensors[here[0]]["baud"])
            serial = Sdm630(_modbus(around.quantities), clock, address, baud, witness(kind))
            made.append(serial)
        elif kind == "s0" and board.pulse:
            wh, per_kwh = around.quantities[channels[here[0]]], int(sensors[here[0]]["pulses_per_kwh"])
            pins[board.pulse.pin] = PulseContact(_pulses(wh, per_kwh), clock, witness(kind))
        elif kind == "pulses" and board.pulse:
            pins[board.pulse.pin] = TippingBucket(around.quantities[channels[here[0]]], clock, witness(kind))
        else:
            raise NoChip(f"node {node.id}: no chip for its `{kind}`: see wire() in hardware/virtual/nodes.py")
        if catalog.sensors[kind].switched:
            switched += made
    if board.sensor_power and switched:
        pins[board.sensor_power.pin] = Switch(*switched, clock=clock, on_level=board.sensor_power.on_level)
    spi: tuple[SpiBus, ...] = ()
    if antenna and board.sx1262:
        spi, radio_pins = radio_wiring(board.sx1262, antenna)
        pins |= radio_pins
    return Wiring(
        i2c=(I2cBus(board.i2c.scl, board.i2c.sda, i2c),) if board.i2c and i2c else (),
        spi=spi,
        uart=(UartLine(_tx(board.uart.tx), board.uart.rx, serial),) if board.uart and serial else (),
        onewire=onewire,
        adc=adc,
        pins=pins,
    )


def radio_wiring(pins: Sx1262Pins, antenna: Antenna) -> tuple[tuple[SpiBus, ...], dict[int, PinChip]]:
    """Return the SPI bus and the pins of a radio at `antenna`, on the pins of a board."""
    chip = Sx1262(antenna, antenna.medium.clock, tcxo_start_s=2e-3 if pins.tcxo_mv else 0.0)
    bus = SpiBus(pins.sck, pins.mosi, pins.miso, {pins.cs: chip})
    return (bus,), {pins.busy: chip.busy, pins.dio1: chip.dio1, pins.reset: chip.reset}


def _modbus(channels: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return what an SDM630 shows, in its units, from channels in W, Wh, varh, mA and tenths of a volt."""

    def scaled(name: str, by: float) -> Quantity:
        quantity = channels[name]
        return lambda: quantity() / by

    def net_w() -> float:
        return sum(sign * channels[name]() for name, sign in _DIRECTIONS if name in channels)

    units = {"energy": ("kwh", 1000.0), "reactive_energy": ("kvarh", 1000.0)}
    phases = {"current": ("a", 1000.0), "phase": ("v", 10.0)}
    found: dict[str, Quantity] = {"power_w": net_w}
    for name in channels:
        side, _, what = name.partition("_")
        if what in units and side in ("import", "export"):
            found[f"{side}_{units[what][0]}"] = scaled(name, units[what][1])
        elif what in phases:
            found[f"{side}_{phases[what][0]}"] = scaled(name, phases[what][1])
    return found


def _pulses(wh: Quantity, per_kwh: int) -> Quantity:
    return lambda: wh() * per_kwh / 1000


def _tx(pin: int | None) -> int:
    return -1 if pin is None else pin


def _probe(parameters: Mapping[str, int | str], celsius: Quantity, clock: Clock, witness: Witness) -> Ds18b20:
    return Ds18b20(bytes.fromhex(str(parameters["rom"])), celsius, clock, witness)


def _loop(
    node: Node, channel: str, parameters: Mapping[str, int | str], around: Surroundings, clock: Clock
) -> LoopSensor:
    """A transmitter that is what the node's calibration says it is."""
    newest = max((c for c in node.calibration if c.channel == channel), key=lambda c: c.revision)
    slope = (newest.value1 - newest.value0) / (newest.raw1 - newest.raw0)
    lo = newest.value0 + (4000 - newest.raw0) * slope
    shunt_ohm = float(parameters.get("shunt_ohm", 100))
    return LoopSensor(around.quantities[channel], lo, lo + 16000 * slope, clock, shunt_ohm)
