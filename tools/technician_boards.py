"""Virtual boards of the technician's guide: on the bench, at a mast, with a finger on the button."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

from device_configs.catalog import builtin_catalog
from device_configs.model import Site
from hardware.virtual.board import State
from hardware.virtual.chips.front import Button, Led
from hardware.virtual.clock import RealClock
from hardware.virtual.nodes import Surroundings, radio_wiring, wire
from hardware.virtual.radio.medium import Antenna, Medium
from hardware.virtual.wifi import AccessPoint
from hardware.virtual.wiring import PinChip, Wiring
from hardware.virtual.workbench import BoardOnBench

BRIDGE = "heltec-v3"
TRUE = {"distance": 2400.0, "air": -6.0, "battery": 3.6}
WELL = "...."  # measured; the gateway hears it well
PATIENCE_S = 60.0
Finger = Callable[[], Awaitable[None]]


def program(chip_id: int) -> bytes:
    """Return an image as a flasher sees it; the virtual board brings its own MicroPython."""
    head = bytes((0xE9, 1, 2, 0x20)) + bytes(8) + chip_id.to_bytes(2, "little") + bytes(10)
    return head + bytes(i * 37 & 0xFF for i in range(120_000))


class SnowBoard:
    """A board fresh from the factory, wired as a node of the snow profile will be.

    `ssid` and `password` are what its Wi-Fi finds; with an `antenna` its radio is on the air.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        port: Path,
        site: Site,
        node: int,
        ssid: str,
        password: str = "",
        antenna: Antenna | None = None,
    ) -> None:
        clock, kind = RealClock(), site.catalog.boards[site.node(node).board]
        assert kind.button
        assert kind.led
        self.button, self.led = Button(clock), Led(clock, kind.led.on_level)
        wiring = wire(site.node(node), site.catalog, Surroundings.of(TRUE), clock, antenna=antenna)
        front: dict[int, PinChip] = {kind.button.pin: self.button, kind.led.pin: self.led}
        self.bench = BoardOnBench(
            name,
            folder,
            port,
            chip=kind.chip,
            wiring=dataclasses.replace(wiring, pins={**wiring.pins, **front}),
            clock=clock,
            access_point=AccessPoint(clock, ssid, password),
        )
        self.kind = kind.name

    def pressing(self, every_s: float) -> Finger:
        """Return who presses the button now and then, until told to stop."""

        async def press() -> None:
            while True:
                await self.button.press()
                await asyncio.sleep(every_s)

        return press

    async def is_heard(self) -> None:
        """Press until the light says that the gateway hears the node well. Raises AssertionError."""
        for _ in range(10):
            await self._asleep()
            self.led.seen()
            starts = self.bench.board.counts.starts
            await self.button.press()
            await self.bench.board.until(lambda: self.bench.board.counts.starts > starts, PATIENCE_S)  # noqa: B023
            await self._asleep()
            if self.led.seen() == WELL:
                return
        raise AssertionError(self.bench.board.console.text()[-2000:])

    def holding(self, ready: Callable[[], bool], taken: str, every_s: float) -> Finger:
        """Return who holds the button until the light comes, once `ready`, and again until the node took it.

        `taken` is what the node prints then; from then on there is a short press now and then.
        """

        async def hold() -> None:
            while not ready():  # noqa: ASYNC110  another process tells nobody
                await asyncio.sleep(0.2)
            while taken not in self.bench.board.console.text():
                await self._asleep()
                await self.button.hold_until_lit(self.led)
                self.button.let_go()
                await asyncio.sleep(1.0)
                await self._asleep()
            while True:
                await asyncio.sleep(every_s)
                await self.button.press()

        return hold

    async def _asleep(self) -> None:
        board = self.bench.board
        await board.until(lambda: board.state is State.ASLEEP, PATIENCE_S)


def bridge_board(name: str, folder: Path, port: Path) -> BoardOnBench:
    """Return a new board of the kind that becomes a gateway's bridge."""
    pins = builtin_catalog().boards[BRIDGE].sx1262
    assert pins
    spi, wired = radio_wiring(pins, Antenna("bridge", Medium(RealClock())))
    return BoardOnBench(name, folder, port, chip="esp32s3", wiring=Wiring(spi=spi, pins=wired))
