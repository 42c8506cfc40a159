"""The instruments of a virtual bench: one virtual board on a virtual clock, behind the same interfaces."""

import asyncio
import dataclasses
import re
from collections.abc import Mapping, Sequence
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
from hardware.virtual.radio.medium import Antenna
from hardware.virtual.wifi import AccessPoint
from hardware.virtual.wiring import PinChip

# What the virtual meter shows: an ESP32 with its radio on, now and then, and in deep sleep.
RUNNING_UA, ASLEEP_UA = 45_000.0, 15.0
_FOREVER_S = 1e6
ROOM_C = 20.0
HEAP_KB = {"battery": 160, "mains": 320}
# True where nothing else was set: by channel of the profiles.
CALM = {"up": 300.0, "down": 250.0, "water": 2.0, "air": -6.0, "battery": 3.6, "distance": 2400.0}


class HeldClock:
    """The board's clock for whoever tests it: it jumps only while he waits for it, never while he looks.

    Without that a virtual clock would be at the board's next wake before a test has seen that it sleeps.
    """

    def __init__(self, clock: BoardClock) -> None:
        self._clock = clock
        self._released = False
        clock.hold()

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    def utc_ms(self) -> int:
        return self._clock.utc_ms()

    async def sleep(self, seconds: float) -> None:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ring() -> None:
            self._hold()
            if not over.done():
                over.set_result(None)

        meeting = self._clock.call_later(seconds, ring)
        if not self._released:
            self._released = True
            self._clock.release()
        try:
            await over
        finally:
            meeting.cancel()
            self._hold()

    def _hold(self) -> None:
        if self._released:
            self._released = False
            self._clock.hold()


class VirtualDevice:
    """A node's board with a cable, a supply and surroundings that can be set. `has_program`: MicroPython.

    With an `antenna` its radio is on the air. `drift_ppm` is that of its RC oscillator at 20 degrees Celsius,
    and `drift_ppm_per_c` what each degree of the air adds.
    """

    def __init__(
        self,
        node: Node,
        catalog: Catalog,
        folder: Path,
        clock: BoardClock,
        ssid: str,
        drift_ppm: float = 0.0,
        drift_ppm_per_c: float = 0.0,
        antenna: Antenna | None = None,
    ) -> None:
        self.clock = HeldClock(clock)
        self.node = node
        self.world = {c.name: CALM[c.name] for c in node.profile.channels if c.name in CALM}
        kind = catalog.boards[node.board]
        self.led = Led(clock, kind.led.on_level) if kind.led else None
        self.button = Button(self.clock) if kind.button else None
        pins: dict[int, PinChip] = {}
        if kind.led and self.led:
            pins[kind.led.pin] = self.led
        if kind.button and self.button:
            pins[kind.button.pin] = self.button
        wiring = wire(node, catalog, Surroundings.of(self.world), clock, antenna=antenna)
        self.board = Board(
            node.name,
            folder,
            dataclasses.replace(wiring, pins={**wiring.pins, **pins}),
            clock=clock,
            access_point=AccessPoint(clock, ssid),
            chip=kind.chip,
            heap_kb=HEAP_KB[node.profile.power],
            drift_ppm=lambda: drift_ppm + drift_ppm_per_c * (self.world.get("air", ROOM_C) - ROOM_C),
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
    """What is true around the board, and who stands there.

    `channels`: it plays these alone, None: all; `button`: it presses the board's, where that has one.
    """

    def __init__(
        self, device: VirtualDevice, channels: Sequence[str] | None = None, *, button: bool = True
    ) -> None:
        self._device = device
        self._world = device.world
        self.channels = frozenset(device.world if channels is None else channels) & device.world.keys()
        self.button = button and device.button is not None

    async def set(self, channel: str, value: float) -> None:
        if channel not in self.channels:
            known = ", ".join(sorted(self.channels))
            raise InstrumentError(f"nothing plays `{channel}` here; known: {known}")
        self._world[channel] = value

    async def press(self) -> None:
        if self._device.button is None or not self.button:
            raise InstrumentError("nothing presses the board's button here")
        await self._device.button.press()

    def seen(self) -> str:
        """The light's flashes since the last time, "." for a short one and "-" for a long."""
        return self._device.led.seen() if self._device.led else ""


class VirtualMeter:
    """The current by what the board does: a model, not a measurement."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board, self._clock = board, clock

    async def measure(self, seconds: float) -> Charge:
        began_s = last_s = self._clock.monotonic_s()
        uc, ua = 0.0, self._ua()
        peak_ua = ua

        def look() -> bool:  # called at each change, before the clock can jump
            nonlocal last_s, uc, ua, peak_ua
            now_s = self._clock.monotonic_s()
            uc += ua * (now_s - last_s)
            last_s, ua = now_s, self._ua()
            peak_ua = max(peak_ua, ua)
            return False

        looking = asyncio.ensure_future(self._board.until(look, _FOREVER_S))
        try:
            await self._clock.sleep(seconds)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        look()
        return Charge(max(last_s - began_s, 1e-9), uc, peak_ua)

    def _ua(self) -> float:
        return {State.OFF: 0.0, State.ASLEEP: ASLEEP_UA}.get(self._board.state, RUNNING_UA)
