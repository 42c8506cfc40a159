"""A bench's YAML file: which instruments there are and how they are reached. Checked as a site is.

    name: workbench          # the file's name
    site: narvik-demo        # a site that comes along, or a folder
    node: 11                 # the node of that site that the board is
    network: {ssid: bench, host: 192.168.4.1, port: 1883}
    console: {kind: serial, port: /dev/ttyUSB0}
    power: {kind: usb_relay, device: /dev/hidraw0, relay: 1}
    ...

On a virtual bench every instrument is of kind `virtual`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from device_configs.entry import Entry
from device_configs.loader import SITES, load_site
from device_configs.model import Node, Site
from device_configs.problem import ConfigError, Problem, did_you_mean
from device_configs.source import Document, read_yaml
from device_configs.validate import validate

BENCHES = Path(__file__).parent / "benches"
ROLES = ("console", "power", "flasher", "stimulus", "meter", "radio", "attenuator")
Positive = Annotated[int, Field(ge=1)]
_EXAMPLE = "see hardware/benches/example.yaml"
# What to do about a key that is wrong or missing, where the schema alone does not tell.
_HINTS = {
    "network": _EXAMPLE,
    "console": _EXAMPLE,
    "power": _EXAMPLE,
    "flasher": _EXAMPLE,
    "shunt_mohm": "in milliohms, without the unit: a shunt marked R100 has 100",
    "address": "0x40 to 0x4f, by the jumpers A0 and A1 of the module",
    "fixed_db": "add up pads, cables and the attenuator at 0, as a positive number",
    "relay": "counted from 1, as printed beside its clamps",
}

OffS = Annotated[float, Field(ge=0, le=60)]
"""So long the supply stays away at least: a sleeping board lives on what its capacitors hold."""


class Virtual(Entry):
    kind: Literal["virtual"]


class VirtualBoard(Entry):
    kind: Literal["virtual"]
    drift_ppm: Annotated[float, Field(ge=-50_000, le=50_000)] = 0.0
    """How much too slowly the board's RC oscillator counts while it sleeps, at 20 degrees Celsius."""
    drift_ppm_per_c: Annotated[float, Field(ge=-1000, le=1000)] = 0.0
    """What each degree of the air adds to that."""


class VirtualStimulus(Entry):
    kind: Literal["virtual"]
    channels: tuple[str, ...] | None = None
    """It plays these alone, as a stimulus board does; not given: all that a sensor sees."""
    button: bool = True


class SerialPort(Entry):
    kind: Literal["serial"]
    port: Annotated[str, Field(min_length=1)]
    """A name that stays: /dev/serial/by-id/..."""
    baud: Positive = 115200


class UsbRelay(Entry):
    kind: Literal["usb_relay"]
    device: Annotated[str, Field(min_length=1)]
    relay: Annotated[int, Field(ge=1, le=8)]
    inverted: bool = False
    """The supply is on the contact that opens."""
    off_s: OffS = 1.0


class UsbPort(Entry):
    kind: Literal["usb_port"]
    port: Annotated[str, Field(min_length=1)]
    """Of a hub that switches its ports: /sys/bus/usb/devices/1-1:1.0/1-1-port2"""
    off_s: OffS = 1.0


class Esptool(Entry):
    kind: Literal["esptool"]
    image: Annotated[str, Field(min_length=1)]
    """MicroPython for the board's chip; relative to this file."""
    baud: Positive = 460800


class Ina219Wired(Entry):
    kind: Literal["ina219"]
    bus: Annotated[int, Field(ge=0)]
    address: Annotated[int, Field(ge=0x40, le=0x4F)]
    shunt_mohm: Annotated[float, Field(ge=1, le=1_000_000)]
    """In milliohms: `R100` on a module is 100. Less than one is most likely meant in ohms."""


class StimulusPort(Entry):
    kind: Literal["stimulus_board"]
    port: Annotated[str, Field(min_length=1)]
    """Of the second ESP32, which has this firmware in its role `stimulus`."""
    baud: Positive = 115200
    button: bool = False
    """Its contact is wired to the board's button, instead of a pulse input."""


class LoraBridge(Entry):
    kind: Literal["lora_bridge"]
    port: Annotated[str, Field(min_length=1)]
    """Of the second board with a radio, which has this firmware in its role `bridge`."""
    fixed_db: Annotated[float, Field(ge=0, le=200)] = 0.0
    """Loss of pads, cables and the attenuator at 0 dB, between the two antenna ports."""


class SerialAttenuator(Entry):
    kind: Literal["step_attenuator"]
    port: Annotated[str, Field(min_length=1)]
    model: Literal["dc-6ghz-120db", "dc-6ghz-90db-v3", "dc-3g-90db-v2", "dc-6ghz-30db"]


class Network(Entry):
    """How the board reaches the gateway that a suite starts: an isolated Wi-Fi of the bench's own."""

    ssid: Annotated[str, Field(min_length=1, max_length=32)]
    wifi_password: str = ""
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=0, le=65535)]
    """Of the broker; 0: any that is free (virtual benches only)."""


class BenchFile(Entry):
    """The file as it is written."""

    name: Annotated[str, Field(min_length=1)]
    site: Annotated[str, Field(min_length=1)]
    node: Positive
    network: Network
    console: Annotated[VirtualBoard | SerialPort, Field(discriminator="kind")]
    power: Annotated[Virtual | UsbRelay | UsbPort, Field(discriminator="kind")]
    flasher: Annotated[Virtual | Esptool, Field(discriminator="kind")]
    stimulus: Annotated[VirtualStimulus | StimulusPort | None, Field(discriminator="kind")] = None
    meter: Annotated[Virtual | Ina219Wired | None, Field(discriminator="kind")] = None
    radio: Annotated[Virtual | LoraBridge | None, Field(discriminator="kind")] = None
    attenuator: Annotated[Virtual | SerialAttenuator | None, Field(discriminator="kind")] = None

    @property
    def virtual(self) -> bool:
        return isinstance(self.console, VirtualBoard)

    @property
    def instruments(self) -> frozenset[str]:
        """The roles this bench fills."""
        return frozenset(role for role in ROLES if getattr(self, role) is not None)

    @property
    def devices(self) -> dict[str, Path]:
        """The file of each real instrument by its role, as this machine has it once that is plugged in."""
        found: dict[str, Path] = {}
        for role in ROLES:
            match getattr(self, role):
                case (
                    SerialPort(port=path)
                    | StimulusPort(port=path)
                    | LoraBridge(port=path)
                    | SerialAttenuator(port=path)
                    | UsbRelay(device=path)
                ):
                    found[role] = Path(path)
                case UsbPort(port=path):
                    found[role] = Path(path) / "disable"
                case Ina219Wired(bus=bus):
                    found[role] = Path(f"/dev/i2c-{bus}")
        return found


def bench_path(asked: str) -> Path:
    """Return the file that a name or a path means."""
    named = BENCHES / f"{asked}.yaml"
    return named if named.is_file() and not Path(asked).is_file() else Path(asked)


def load_bench(path: Path) -> tuple[BenchFile, Site, Node]:
    """Return a bench, its site and the node its board is. Raises ConfigError with everything wrong."""
    document, problems = read_yaml(path)
    if problems and not path.exists():
        hint = did_you_mean(path.stem, [known.stem for known in BENCHES.glob("*.yaml")])
        problems = [document.problem_at(1, 1, "there is no such bench, and no such file", hint)]
    elif not problems and document.tree is None:
        hint = "copy hardware/benches/example.yaml and change what differs"
        problems = [document.problem_at(1, 1, "the file is empty", hint)]
    if problems:
        raise ConfigError(problems)
    found, problems = validate(document, (), BenchFile, hints=_HINTS)
    if found is None:
        raise ConfigError(problems)
    if found.name != path.stem:
        problems.append(document.problem(("name",), f"`name` has to be that of the file, `{path.stem}`"))
    problems += [*_mixed(document, found), *_shared(document, found)]
    if not found.virtual and not found.network.port:
        problems.append(document.problem(("network", "port"), "`port` of a real bench has to be given: 1883"))
    if found.attenuator and not found.radio:
        said = "an `attenuator` needs a `radio` behind it"
        problems.append(document.problem(("attenuator",), said, "a second board in the role `bridge`"))
    folder = _site_folder(path, found.site)
    if folder is None:
        known = [site.name for site in SITES.iterdir() if site.is_dir()]
        hint = did_you_mean(found.site, known)
        raise ConfigError([*problems, document.problem(("site",), f"there is no site `{found.site}`", hint)])
    site = load_site(folder)
    node = next((node for node in site.nodes if node.id == found.node), None)
    if node is None:
        ids = ", ".join(str(node.id) for node in site.nodes)
        said = f"site {site.id} has no node {found.node}"
        problems.append(document.problem(("node",), said, f"known: {ids}"))
    elif node.carrier != "mqtt":
        problems.append(document.problem(("node",), "a bench's node has to report over Wi-Fi (`mqtt`)"))
    elif found.radio and site.catalog.boards[node.board].sx1262 is None:
        said = f"`radio` does not fit: board {node.board} of node {node.id} has no LoRa radio"
        problems.append(document.problem(("radio",), said, "take another node, or leave `radio` out"))
    elif node.profile.power == "mains":
        said = f"the suite runs on nodes that sleep, and node {node.id} ({node.profile.name}) never does"
        problems.append(document.problem(("node",), said, "take an intake or a snow node"))
    if problems or node is None:
        raise ConfigError(problems)
    return found, site, node


def _site_folder(path: Path, name: str) -> Path | None:
    return next((f for f in (SITES / name, path.parent / name, Path(name)) if f.is_dir()), None)


def _mixed(document: Document, bench: BenchFile) -> list[Problem]:
    """A virtual board can not be wired to a real instrument, nor the other way round."""
    kind = "virtual" if bench.virtual else "real"
    return [
        document.problem(
            (role,), f"`{role}` does not fit: the console is {kind}", "all of a bench are virtual, or none"
        )
        for role in bench.instruments
        if isinstance(getattr(bench, role), Virtual | VirtualBoard | VirtualStimulus) != bench.virtual
    ]


def _shared(document: Document, bench: BenchFile) -> Iterator[Problem]:
    """Two instruments can not be at one port, under whatever names it is given."""
    taken: dict[str, str] = {}
    for role, port in bench.devices.items():
        other = taken.setdefault(os.path.realpath(port), role)
        if other != role:
            said = f"`{role}` and `{other}` are at one port, {port}"
            yield document.problem((role,), said, "give each its own: ls -l /dev/serial/by-id/")
