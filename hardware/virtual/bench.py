"""The instruments of a virtual bench: one virtual board on a virtual clock, behind the same interfaces."""

import asyncio
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from device_configs.catalog import Catalog
from device_configs.model import Node
from hardware.protocols import Charge, InstrumentError
from hardware.raw_prompt import run_script
from hardware.transcript import Transcript
from hardware.virtual import flash
from hardware.virtual.board import Board, State
from hardware.virtual.chips.front import Button, Led
from hardware.virtual.clock import BoardClock, Clock
from hardware.virtual.nodes import Surroundings, wire
from hardware.virtual.wifi import AccessPoint
from hardware.virtual.wiring import PinChip

# What the virtual meter shows: an ESP32 with its radio on, now and then, and in deep sleep.
RUNNING_UA, ASLEEP_UA = 45_000.0, 15.0
_FOREVER_S = 1e6
HEAP_KB = {"battery": 160, "mains": 320}
# True where nothing else was set: by channel of the profiles.
CALM = {"up": 300.0, "down": 250.0, "water": 2.0, "air": -6.0, "battery": 3.6, "distance": 2400.0}


class VirtualDevice:
    """A node's board with a cable, a supply and surroundings that can be set. `has_program`: MicroPython."""

    def __init__(self, node: Node, catalog: Catalog, folder: Path, clock: BoardClock, ssid: str) -> None:
        self.clock = clock
        self.world = {c.name: CALM[c.name] for c in node.profile.channels if c.name in CALM}
        kind = catalog.boards[node.board]
        quantities = {name: (lambda name=name: self.world[name]) for name in self.world}
        pins: dict[int, PinChip] = {}
        if kind.led:
            pins[kind.led.pin] = Led(clock, kind.led.on_level)
        if kind.button:
            pins[kind.button.pin] = Button(clock)
        wiring = wire(node, catalog, Surroundings(quantities), clock, lambda chip: _unseen)
        self.board = Board(
            node.name,
            folder,
            dataclasses.replace(wiring, pins={**wiring.pins, **pins}),
            clock=clock,
            access_point=AccessPoint(clock, ssid),
            chip=kind.chip,
            heap_kb=HEAP_KB[node.profile.power],
            prompt=True,
        )
        self.has_program = self.has_supply = False
        self.in_loader = False  # after flashing the chip waits for a power-on, as esptool leaves it
        flash.make_blank(self.board.image)

    async def supply(self, on: bool) -> None:
        self.has_supply = on
        if not on:
            self.in_loader = False
            await self.board.power_cut()
        elif self.has_program and not self.in_loader and self.board.state is State.OFF:
            await self.board.power_on()


class VirtualConsole:
    """The board's serial port."""

    def __init__(self, device: VirtualDevice) -> None:
        self._board = device.board
        self._heard = Transcript(device.clock)
        self._board.console.listener = self._heard.hear

    def text(self) -> str:
        return self._heard.text()

    async def until(self, pattern: str, timeout_s: float, start: int = 0) -> re.Match[str]:
        return await self._heard.until(pattern, timeout_s, start)

    async def script(self, source: str, timeout_s: float = 10.0) -> str:
        return await run_script(self._board.type, self._heard, source, timeout_s)

    async def close(self) -> None:
        await self._board.close()


class VirtualPower:
    """The board's supply."""

    def __init__(self, device: VirtualDevice) -> None:
        self._device = device

    async def on(self) -> None:
        await self._device.supply(True)

    async def off(self) -> None:
        await self._device.supply(False)


class VirtualFlasher:
    """Writes the image that is the board's flash."""

    def __init__(self, device: VirtualDevice) -> None:
        self._device = device

    async def program(self) -> None:
        await self._loader()
        self._device.has_program = True

    async def files(self, tree: Mapping[str, bytes]) -> None:
        await self._loader()
        self._device.board.install(tree)

    async def _loader(self) -> None:
        if not self._device.has_supply:
            raise InstrumentError("the board has no supply: no flasher reaches it")
        await self._device.board.power_cut()
        self._device.in_loader = True


class VirtualStimulus:
    """What is true around the board."""

    def __init__(self, device: VirtualDevice) -> None:
        self._world = device.world
        self.channels = frozenset(device.world)

    async def set(self, channel: str, value: float) -> None:
        if channel not in self.channels:
            known = ", ".join(sorted(self.channels))
            raise InstrumentError(f"nothing plays `{channel}` here; known: {known}")
        self._world[channel] = value


class VirtualMeter:
    """The current by what the board does: a model, not a measurement."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board, self._clock = board, clock

    async def measure(self, seconds: float) -> Charge:
        began_s = last_s = self._clock.monotonic_s()
        uc = peak_ua = 0.0
        while True:
            state, ua = self._board.state, self._ua()
            over = asyncio.ensure_future(self._clock.sleep(max(0.0, began_s + seconds - last_s)))
            changed = asyncio.ensure_future(
                self._board.until(lambda state=state: self._board.state is not state, _FOREVER_S)  # type: ignore[misc]
            )
            await asyncio.wait({over, changed}, return_when=asyncio.FIRST_COMPLETED)
            ended = over.done()
            for waiting in (over, changed):
                waiting.cancel()
            await asyncio.gather(over, changed, return_exceptions=True)
            now_s = self._clock.monotonic_s()
            uc += ua * (now_s - last_s)
            peak_ua, last_s = max(peak_ua, ua), now_s
            if ended:
                return Charge(max(last_s - began_s, 1e-9), uc, peak_ua)

    def _ua(self) -> float:
        return {State.OFF: 0.0, State.ASLEEP: ASLEEP_UA}.get(self._board.state, RUNNING_UA)


def _unseen(channel: str, raw: int, utc_ms: int) -> None:
    """Nobody asks which samples were taken."""
