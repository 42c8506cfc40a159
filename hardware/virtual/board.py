"""The virtual board: supply, resets and deep sleep, and the runs of the firmware between them."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from hardware.virtual import flash
from hardware.virtual.chips.gpio import PulseContact
from hardware.virtual.clock import Appointment, BoardClock, RealClock
from hardware.virtual.console import Console
from hardware.virtual.deep_sleep import DeepSleep
from hardware.virtual.nvs import Nvs
from hardware.virtual.rtc import Rtc
from hardware.virtual.run import Chip, Circuit, Ending, Outcome, Run
from hardware.virtual.wifi import AccessPoint
from hardware.virtual.wiring import Wiring

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
_SHIMS_HEAP_KB = 61  # what the interpreter and the shims hold when boot.py starts
_PANIC_PAUSE_S = 0.3  # the chip prints a backtrace before it starts anew


class State(Enum):
    OFF = "off"
    RUNNING = "running"
    ASLEEP = "asleep"
    STUCK = "stuck"  # in the REPL with no watchdog: a node on a mast that empties its battery


@dataclass(slots=True)
class Counts:
    """What happened to the board since it was made."""

    starts: int = 0
    wakes: int = 0  # starts out of deep sleep
    watchdog_resets: int = 0
    software_resets: int = 0
    crashes: int = 0  # the interpreter itself died
    ended_programs: int = 0  # main.py raised or came to its end: the REPL waits
    power_cuts: int = 0


class BoardFault(Exception):
    """The board host itself failed while it served the firmware; the cause is attached."""


class Board:
    """One node. Its files are in `folder`: flash.img, flash.img.wear, nvs.json, console.log.

    `heap_kb` is what the firmware finds free, as at the ESP32's prompt. `epoch` is the first year of the
    firmware's time(): 2000 as on the ESP32, or 1970. `drift_ppm`: how much too slowly the RTC counts in deep
    sleep. `prefix` comes before the interpreter's command (a profiler). `ticks_ms` is where ticks begin at
    each start, to have them wrap. With a `prompt` somebody may `type` at the serial port.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        wiring: Wiring | None = None,
        *,
        clock: BoardClock | None = None,
        access_point: AccessPoint | None = None,
        heap_kb: int = 160,
        epoch: int = 2000,
        chip: Chip = "esp32",
        drift_ppm: float | Callable[[], float] = 0.0,
        prefix: Sequence[str] = (),
        ticks_ms: int | None = None,
        prompt: bool = False,
    ) -> None:
        self.name = name
        self.state = State.OFF
        self.counts = Counts()
        self.stuck_because = ""
        self._failure: Exception | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        clock = clock or RealClock()
        self._circuit = Circuit(
            name=name,
            image=folder / "flash.img",
            wiring=wiring or Wiring(),
            clock=clock,
            console=Console(folder / "console.log", self._tell),
            rtc=Rtc(clock, drift_ppm if callable(drift_ppm) else lambda: drift_ppm),
            nvs=Nvs(folder / "nvs.json"),
            access_point=access_point,
            unique_id=b"\x02" + hashlib.sha256(name.encode()).digest()[:5],
            heap_kb=heap_kb + _SHIMS_HEAP_KB,
            epoch=epoch,
            chip=chip,
            prefix=prefix,
            ticks_ms=ticks_ms,
            prompt=prompt,
        )
        self._sleep = DeepSleep(clock, self._circuit.rtc, self._circuit.wiring.pins, self._woken)
        self._restart: Appointment | None = None
        self._pulses: list[asyncio.Task[None]] = []
        self._run: Run | None = None

    # What a technician does

    def install(self, tree: Mapping[str, bytes]) -> None:
        """Formats the flash and puts these files on it, while the program is not running."""
        self._require_quiet()
        flash.make_image(self.image, tree)

    def change(self, changes: Mapping[str, bytes | None]) -> None:
        """Replaces, adds or (None) removes files while the program is not running."""
        self._require_quiet()
        flash.change_image(self.image, changes)

    def files(self) -> dict[str, bytes]:
        """The files on the flash, read by littlefs-python, while the program is not running."""
        self._require_quiet()
        return flash.read_image(self.image)

    def plan_power_cut(self, cut: flash.PowerCut | None) -> None:
        """The supply will fail at a flash operation, counted from now, in a run that starts after this."""
        self._require_quiet()
        operations = flash.read_wear(self.image).operations
        self._circuit.cut_at_operation = operations + cut.at if cut else None
        self._circuit.torn = cut is not None and cut.torn

    def profile(self, prefix: Sequence[str]) -> None:
        """From the next start on the interpreter runs under this command (a profiler)."""
        self._circuit.prefix = prefix

    async def power_on(self) -> None:
        """Supply comes: RTC and its memory are lost, chips start anew, the program starts."""
        if self.state is not State.OFF:
            raise RuntimeError(f"{self.name} has power already: it is {self.state.value}")
        self.console.note("power on")
        self._circuit.rtc.power_on()
        for chip in self.wiring.on_board_supply():
            chip.power_on()
            if isinstance(chip, PulseContact):
                self._pulses.append(asyncio.create_task(chip.run(), name=f"pulses for {self.name}"))
        self._start(PWRON_RESET)

    async def power_cut(self) -> None:
        """Supply goes, at any moment; returns when everything has stopped."""
        if self.state is State.OFF:
            return
        if self._run:
            self._run.end(Ending.POWER_CUT)
            await self.until(lambda: self.state is State.OFF)
        else:
            self.console.note("power cut")
            self._ended(Outcome(Ending.POWER_CUT))

    async def press_reset(self) -> None:
        """The EN button: as on the chip the RTC domain starts anew too, but other chips keep their supply."""
        if self.state is State.OFF:
            raise RuntimeError(f"{self.name} is off: nothing to reset")
        starts = self.counts.starts
        if self._run:
            self._run.end(Ending.BUTTON)
        else:
            self._ended(Outcome(Ending.BUTTON))
        await self.until(lambda: self.counts.starts > starts)

    async def close(self) -> None:
        """Takes the supply away and closes the files."""
        await self.power_cut()
        self.console.close()

    def type(self, keys: bytes) -> None:
        """Bytes for the serial port; nobody hears them while the program does not run."""
        if self._run:
            self._run.type(keys)

    # What a test asks

    @property
    def image(self) -> Path:
        return self._circuit.image

    @property
    def console(self) -> Console:
        return self._circuit.console

    @property
    def wiring(self) -> Wiring:
        return self._circuit.wiring

    @property
    def unique_id(self) -> bytes:
        """The MAC address in the chip."""
        return self._circuit.unique_id

    @property
    def asleep(self) -> bool:
        return self.state is State.ASLEEP

    @property
    def stuck(self) -> bool:
        return self.state is State.STUCK

    @property
    def rtc_memory(self) -> bytes:
        return self._circuit.rtc.memory

    @property
    def rtc_unix_ms(self) -> int:
        """What the node takes for UTC, should its clock have been set."""
        return self._circuit.rtc.now_us() // 1000 + 946_684_800_000

    @property
    def pid(self) -> int | None:
        """The interpreter's process while the program runs."""
        return self._run.pid if self._run else None

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Waits for a condition, tested at each change of state or counts and at each output.

        Raises TimeoutError with the end of the console, BoardFault when the board host itself failed.
        """
        if self._failure:
            raise BoardFault(f"{self.name}: {self._failure!r}") from self._failure
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (condition, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError as error:
            printed = self.console.text()[-2000:]
            raise TimeoutError(
                f"{self.name} is {self.state.value} after {timeout_s} s; it printed:\n{printed}"
            ) from error
        finally:
            self._waiting.remove(entry)

    # From one run to the next

    def _start(self, reset_cause: int, wake_reason: int = 0) -> None:
        self._quiet()
        self.counts.starts += 1
        self._run = Run(self._circuit, reset_cause, wake_reason, self._ended, self._idle)
        self._enter(State.RUNNING)

    def _ended(self, outcome: Outcome) -> None:
        self._run = None
        match outcome.ending:
            case Ending.DEEP_SLEEP:
                self._sleep.begin(outcome.asked_ms, outcome.began_s, outcome.wake_level, outcome.wake_pins)
                self._enter(State.ASLEEP)
            case Ending.RESET:
                self.counts.software_resets += 1
                self._start(HARD_RESET)
            case Ending.SOFT_RESET:
                self.counts.software_resets += 1
                self._start(SOFT_RESET)
            case Ending.WATCHDOG:
                self.counts.watchdog_resets += 1
                self._start(WDT_RESET)
            case Ending.CRASH:
                self.counts.crashes += 1
                self._restart = self._circuit.clock.call_later(
                    _PANIC_PAUSE_S, partial(self._start, HARD_RESET)
                )
                self._tell()
            case Ending.BUTTON:
                self._circuit.rtc.power_on()
                self._start(PWRON_RESET)
            case Ending.POWER_CUT | Ending.FLASH_POWER_CUT | Ending.FAILURE:
                self._failure = outcome.failure
                self.counts.power_cuts += 1
                self._circuit.cut_at_operation = None
                self._off()

    def _quiet(self) -> None:
        """Nothing will start a run on its own."""
        self._sleep.stop()
        if self._restart:
            self._restart.cancel()
        self._restart = None

    def _off(self) -> None:
        self._quiet()
        for task in self._pulses:
            task.cancel()
        self._pulses.clear()
        for chip in self.wiring.on_board_supply():
            chip.power_off()
        self._enter(State.OFF)

    def _woken(self, reason: int) -> None:
        self.counts.wakes += 1
        self._start(DEEPSLEEP_RESET, reason)

    def _idle(self, because: str) -> None:
        self.counts.ended_programs += 1
        self.stuck_because = because
        self._enter(State.STUCK if because else State.RUNNING)

    def _enter(self, state: State) -> None:
        self.state = state
        self._tell()

    def _tell(self) -> None:
        for condition, future in self._waiting:
            if future.done():
                continue
            if self._failure:
                future.set_exception(BoardFault(f"{self.name}: {self._failure!r}"))
            elif condition():
                future.set_result(None)

    def _require_quiet(self) -> None:
        if self.state is State.RUNNING:
            raise RuntimeError(f"{self.name} is running: its flash belongs to the program")
