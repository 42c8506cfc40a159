"""Virtual boards for the tests of instruments."""

from collections.abc import Callable
from pathlib import Path

from device_configs.loader import SITES, load_site
from hardware.virtual import flash
from hardware.virtual.bench import VirtualDevice
from hardware.virtual.clock import RealClock
from hardware.virtual.workbench import BoardOnBench
from tests.tools.node.bench import with_micropython

INTAKE = 11


def device(folder: Path) -> VirtualDevice:
    """A stream intake's board of the demonstration site, blank."""
    site = load_site(SITES / "narvik-demo")
    return VirtualDevice(site.node(INTAKE), site.catalog, folder / "board", RealClock(), "bench")


def running_board(folder: Path, main: bytes) -> BoardOnBench:
    """A board on this machine's ports with MicroPython and this main.py."""
    board = with_micropython("dut", folder, folder / "ports")
    flash.make_image(board.board.image, {"main.py": main})
    return board


class RelayBoard:
    """A USB relay board at its feature report. `relays` is its state; `deaf`: it takes nothing any more."""

    SERIAL = b"BITFT"

    def __init__(
        self, switched: Callable[[int, bool], None] = lambda relay, on: None, count: int = 2
    ) -> None:
        self.relays = [False] * count
        self.deaf = False
        self._switched = switched

    def send(self, report: bytes) -> None:
        assert len(report) == 8
        order, relay = report[0], report[1]
        if order in (0xFF, 0xFD) and 1 <= relay <= len(self.relays) and not self.deaf:
            self.relays[relay - 1] = order == 0xFF
            self._switched(relay, order == 0xFF)

    def receive(self, size: int) -> bytes:
        mask = sum(1 << i for i, on in enumerate(self.relays) if on)
        return (self.SERIAL + bytes((0, 0, mask)))[:size]


class HubPort:
    """A port of a hub at its attribute: keeps 0 or 1 as the kernel does. `stubborn`: it switches nothing."""

    def __init__(self, switched: Callable[[bool], None] = lambda on: None) -> None:
        self.stubborn = False
        self._text = "1\n"
        self._switched = switched

    def write(self, text: str) -> None:
        if text not in ("0", "1"):
            raise OSError(22, "Invalid argument")
        if not self.stubborn and self._text != f"{text}\n":
            self._text = f"{text}\n"
            self._switched(text == "0")

    def read(self) -> str:
        return self._text


class Ina219Chip:
    """An INA219 at its registers, with a load behind a shunt. `load_ua` is asked at each reading."""

    def __init__(self, load_ua: Callable[[], float], shunt_mohm: float) -> None:
        self._load_ua, self._shunt_mohm = load_ua, shunt_mohm
        self._pointer = 0
        self.registers = {0: 0x399F}  # after power-on

    def write(self, content: bytes) -> None:
        self._pointer = content[0]
        if len(content) == 3:
            self.registers[self._pointer] = int.from_bytes(content[1:], "big")

    def read(self, size: int) -> bytes:
        assert size == 2
        assert self._pointer == 1
        config = self.registers[0]
        assert config & 7 == 5  # the shunt, continuously
        full_uv = 40_000 << (config >> 11 & 3)
        uv = min(self._load_ua() * self._shunt_mohm / 1000, full_uv)
        return round(uv / 10).to_bytes(2, "big", signed=True)
