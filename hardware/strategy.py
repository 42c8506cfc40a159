"""The states of a board on a bench, and the way from any of them to another.

    off -> powered -> flashed -> provisioned -> running -> asleep

What lies on the board outlives its supply: the way to `running` flashes and provisions only what is missing.
To ask for `flashed` or `provisioned` from a later state is to ask for a fresh start: it is done again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from hardware.protocols import Console, Flasher, InstrumentError, Meter, Power
from hardware.virtual.clock import Clock


class State(Enum):
    OFF = "off"
    POWERED = "powered"
    FLASHED = "flashed"  # MicroPython on the chip
    PROVISIONED = "provisioned"  # program, settings and key as well; nothing runs yet
    RUNNING = "running"  # the program has started from a power-on
    ASLEEP = "asleep"  # ... and has gone to sleep


class Step(Enum):
    CUT = "cut the power"
    POWER = "switch the power on"
    FLASH = "flash MicroPython"
    PROVISION = "put program, settings and key on it"
    START = "start the program"
    SLEEP = "wait until it sleeps"


# How long each step may take, in seconds. Flashing has no clock but the real one: esptool computes.
LIMIT_S = {
    Step.CUT: 90.0,  # with the time that capacitors take to get empty
    Step.POWER: 10.0,
    Step.FLASH: 180.0,
    Step.PROVISION: 180.0,
    Step.START: 40.0,
    Step.SLEEP: 90.0,
}
_LEADS_TO = {
    Step.CUT: State.OFF,
    Step.POWER: State.POWERED,
    Step.FLASH: State.FLASHED,
    Step.PROVISION: State.PROVISIONED,
    Step.START: State.RUNNING,
    Step.SLEEP: State.ASLEEP,
}
# The last for a board whose port comes with its supply, too late for what is printed first.
STARTED = r"^(cold boot|battery \d+ mV: (too low|only sleeping)|update|unprovisioned|record \d)"
ASLEEP_UA = 2000.0  # less than any board awake, more than any asleep
_LOOK_S = 0.2
_QUIET_S = 20.0  # without a meter: so long nothing is printed


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the board; `state` None: nothing but what lies on it."""

    state: State | None = None
    flashed: bool = False
    provisioned: bool = False


def plan(known: Known, goal: State) -> tuple[Step, ...]:
    """Return the steps from what is known to `goal`."""
    if known.state is goal:
        return ()
    if goal is State.OFF:
        return (Step.CUT,)
    if goal is State.POWERED:
        return (Step.POWER,) if known.state is State.OFF else (Step.CUT, Step.POWER)
    if goal is State.FLASHED:
        return (*_powered(known), Step.FLASH)
    if goal is State.PROVISIONED:
        flash = () if known.flashed else (Step.FLASH,)
        return (*_powered(known), *flash, Step.PROVISION)
    if goal is State.ASLEEP and known.state is State.RUNNING:
        return (Step.SLEEP,)
    last = (Step.START, Step.SLEEP) if goal is State.ASLEEP else (Step.START,)
    if known.flashed and known.provisioned:
        return last
    return (*plan(known, State.PROVISIONED), *last) if known.state is not State.PROVISIONED else last


def _powered(known: Known) -> tuple[Step, ...]:
    """A flasher needs supply, and a board that is in nobody's hands."""
    if known.state in (State.POWERED, State.FLASHED):
        return ()
    return (Step.POWER,) if known.state is State.OFF else (Step.CUT, Step.POWER)


class Stuck(Exception):
    """A step did not end: the text says which, what was done before, and what the board printed."""


class Strategy:
    """One board on a bench. `tree` is what provisioning puts on it (path -> content)."""

    def __init__(
        self,
        console: Console,
        power: Power,
        flasher: Flasher,
        meter: Meter | None,
        clock: Clock,
        tree: Mapping[str, bytes],
        known: Known | None = None,
    ) -> None:
        self._console, self._power, self._flasher, self._meter = console, power, flasher, meter
        self._clock = clock
        self.tree = tree
        self.known = known or Known()
        self.began = 0  # where in the console's text the last start began

    async def to(self, goal: State) -> None:
        """Bring the board to a state. Raises Stuck."""
        done: list[str] = []
        for step in plan(self.known, goal):
            began_s = self._clock.monotonic_s()
            heard = len(self._console.text())
            try:
                await self._do(step)
            except (TimeoutError, InstrumentError) as error:
                self.known = Known(None, self.known.flashed, self.known.provisioned)
                before = ", ".join(done) or "nothing"
                printed = self._console.text()[heard:][-1500:].strip() or "(nothing)"
                because = str(error).partition("; heard:")[0] or f"not within {LIMIT_S[step]:g} s"
                raise Stuck(
                    f"on the way to `{goal.value}` stuck at: {step.value}: {because}\n"
                    f"done before: {before}\nthe board printed:\n{printed}"
                ) from error
            done.append(f"{step.value} ({self._clock.monotonic_s() - began_s:.1f} s)")

    async def restart(self) -> None:
        """Take the supply away and give it back: a cold boot. Raises Stuck."""
        await self.to(State.OFF)
        await self.to(State.RUNNING)

    def lost(self) -> None:
        """Somebody else has switched, typed or flashed: the next way begins with a power cut."""
        self.known = Known(None, self.known.flashed, self.known.provisioned)

    async def _do(self, step: Step) -> None:
        limit_s = LIMIT_S[step]
        if step is Step.START:
            await self._power.off()
            self.began = len(self._console.text())
            await self._power.on()
            await self._console.until(STARTED, limit_s, self.began)
        elif step is Step.SLEEP:
            await self._sleep(limit_s)
        else:
            async with asyncio.timeout(limit_s):
                if step is Step.CUT:
                    await self._power.off()
                elif step is Step.POWER:
                    await self._power.on()
                elif step is Step.FLASH:
                    await self._flasher.program()
                else:
                    await self._flasher.files(self.tree)
        flashed = self.known.flashed or step is Step.FLASH
        provisioned = step is Step.PROVISION or (self.known.provisioned and step is not Step.FLASH)
        self.known = Known(_LEADS_TO[step], flashed, provisioned)

    async def _sleep(self, limit_s: float) -> None:
        end_s = self._clock.monotonic_s() + limit_s
        if self._meter is None:
            while True:
                heard = len(self._console.text())
                await self._clock.sleep(_QUIET_S)
                if len(self._console.text()) == heard:
                    return
                self._still(end_s, limit_s, f"it still prints within {_QUIET_S:g} s")
        while True:
            charge = await self._meter.measure(_LOOK_S)
            if charge.peak_ua < ASLEEP_UA:
                return
            self._still(end_s, limit_s, f"it draws {charge.mean_ua / 1000:.0f} mA")

    def _still(self, end_s: float, limit_s: float, what: str) -> None:
        if self._clock.monotonic_s() > end_s:
            raise TimeoutError(f"{what} after {limit_s:g} s")
