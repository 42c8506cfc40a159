"""The virtual board: supply, reset causes, deep sleep, watchdog, and the runs of the firmware between them."""

import asyncio
import hashlib
import struct
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from hardware.virtual import flash
from hardware.virtual.clock import Appointment, BoardClock, RealClock
from hardware.virtual.console import Console
from hardware.virtual.deep_sleep import DeepSleep
from hardware.virtual.interpreter import Ears, Interpreter
from hardware.virtual.nvs import Nvs
from hardware.virtual.peripherals import Peripherals
from hardware.virtual.rtc import Rtc
from hardware.virtual.shims import _board_ops as ops
from hardware.virtual.uart_port import UartPorts
from hardware.virtual.watchdog import Watchdog
from hardware.virtual.wifi import AccessPoint, Station
from hardware.virtual.wiring import Wiring

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
_UARTS = (1, 2)  # UART 0 is the console
_SHIMS_HEAP_KB = 57  # what the interpreter and the shims hold when boot.py starts
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
    ended_programs: int = 0  # main.py came to its end or raised: the REPL waits
    power_cuts: int = 0


class BoardFault(Exception):
    """The board host itself failed while it served the firmware; the cause is attached."""


@runtime_checkable
class _Busy(Protocol):
    def run(self) -> Coroutine[None, None, None]: ...


class Board:
    """One node. Its files are in `folder`: flash.img, flash.img.wear, nvs.json, console.log.

    `heap_kb` is what the firmware finds free, as at the ESP32's prompt. `epoch` is the first year of the firmware's
    time(): 2000 as on the ESP32, or 1970. `drift_ppm` is how much too slowly the RTC counts during deep sleep.
    `prefix` is put before the interpreter's command (a profiler).
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
        drift_ppm: float = 0.0,
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.wiring = wiring or Wiring()
        self.image = folder / "flash.img"
        self.console = Console(folder / "console.log")
        self.state = State.OFF
        self.counts = Counts()
        self.stuck_because = ""
        self.unique_id = b"\x02" + hashlib.sha256(name.encode()).digest()[:5]
        self._clock: BoardClock = clock or RealClock()
        self.rtc = Rtc(self._clock, drift_ppm)
        self.nvs = Nvs(folder / "nvs.json")
        self.access_point = access_point
        self._heap_kb = heap_kb
        self._epoch = epoch
        self._prefix = prefix
        self._sleep = DeepSleep(self._clock, self.rtc, self.wiring.pins, self._woken)
        self._watchdog = Watchdog(self._clock, self._look, self._starved)
        self._timers: dict[int, Appointment] = {}
        self._busy_chips: list[asyncio.Task[None]] = []
        self._interpreter: Interpreter | None = None
        self._peripherals: Peripherals | None = None
        self._cause = self._wake_reason = 0
        self._after: Callable[[], None] | None = None  # what follows once the interpreter has ended
        self._cut_at_operation: int | None = None
        self._torn = False
        self._failure: Exception | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._requests: dict[int, Callable[[bytes], bytes | None]] = {
            ops.HELLO: self._hello,
            ops.STUCK: self._program_ended,
            ops.POWER_LOST: self._power_lost,
            ops.DEEPSLEEP: self._deepsleep,
            ops.RESET: self._reset,
            ops.SOFT_RESET: self._soft_reset,
            ops.WDT_FEED: lambda request: self._watchdog.feed(int.from_bytes(request, "little")),
            ops.WAKE_ON_PIN: self._wake_on_pin,
            ops.TIMER: self._timer,
        }

    # What a technician does

    def install(self, tree: Mapping[str, bytes]) -> None:
        """Formats the flash and puts these files on it. The board must be off."""
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
        """The supply fails at a flash operation counted from now; call it while the program is not running."""
        self._require_quiet()
        self._cut_at_operation = flash.read_wear(self.image).operations + cut.at if cut else None
        self._torn = cut is not None and cut.torn

    async def power_on(self) -> None:
        """Supply comes: RTC and its memory are lost, chips start anew, the program starts."""
        if self.state is not State.OFF:
            raise RuntimeError(f"{self.name} has power already: it is {self.state.value}")
        self._note("power on")
        self.rtc.power_on()
        for chip in self.wiring.on_board_supply():
            chip.power_on()
        for chip in self.wiring.chips():
            if isinstance(chip, _Busy) and chip in self.wiring.pins.values():
                self._busy_chips.append(asyncio.create_task(chip.run(), name=f"pulses of {self.name}"))
        self._start(PWRON_RESET)

    async def power_cut(self) -> None:
        """Supply goes, at any moment; returns when everything has stopped."""
        if self.state is State.OFF:
            return
        self.counts.power_cuts += 1
        self._note("power cut")
        if self._interpreter:
            self._end(self._off, cut=True)
            await self.until(lambda: self.state is State.OFF)
        else:
            self._off()

    async def press_reset(self) -> None:
        """The EN button: as on the chip the RTC domain starts anew too, but other chips keep their supply."""
        if self.state is State.OFF:
            raise RuntimeError(f"{self.name} is off")
        self._note("reset button")
        self.rtc.power_on()
        self._sleep.forget()
        starts = self.counts.starts
        if self._interpreter:
            self._end(partial(self._start, PWRON_RESET), cut=True)
            await self.until(lambda: self.counts.starts > starts)
        else:
            self._start(PWRON_RESET)

    async def close(self) -> None:
        """Takes the supply away and closes the files."""
        await self.power_cut()
        self.console.close()

    # What a test asks

    @property
    def asleep(self) -> bool:
        return self.state is State.ASLEEP

    @property
    def stuck(self) -> bool:
        return self.state is State.STUCK

    @property
    def pid(self) -> int | None:
        """The interpreter's process while the program runs."""
        return self._interpreter.pid if self._interpreter else None

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Waits for a condition on state or counts, tested at each change of them. Raises TimeoutError."""
        if self._failure:
            raise BoardFault(f"{self.name}: {self._failure}") from self._failure
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (condition, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError as error:
            tail = self.console.text()[-2000:]
            raise TimeoutError(f"{self.name} is {self.state.value} after {timeout_s} s; it printed:\n{tail}") from error
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    # One run of the program

    def _start(self, cause: int, wake_reason: int = 0) -> None:
        self._cause, self._wake_reason = cause, wake_reason
        self.counts.starts += 1
        self._after = None
        self._sleep.forget()
        interpreter = Interpreter(
            Ears(self._request, self.console.write, self._ended),
            self._heap_kb + _SHIMS_HEAP_KB,
            _UARTS if self.wiring.uart else (),
            self._prefix,
        )
        self._interpreter = interpreter
        self._peripherals = Peripherals(
            self.wiring,
            self.rtc,
            self.nvs,
            Station(self.access_point, self._clock),
            UartPorts(self.wiring.uart, interpreter.uart_pipes, self._clock),
            interpreter.interrupt,
        )
        self._enter(State.RUNNING)

    def _end(self, after: Callable[[], None], cut: bool = False) -> None:
        """Stops the program here; `after` follows when its process is gone."""
        assert self._interpreter is not None
        self._after = after
        self._watchdog.disarm()
        self._interpreter.end(cut)

    def _ended(self, status: int) -> None:
        assert self._peripherals is not None
        self._watchdog.disarm()
        for appointment in self._timers.values():
            appointment.cancel()
        self._timers.clear()
        self._peripherals.release()
        self._interpreter = self._peripherals = None
        after, self._after = self._after, None
        if after is None:
            self.counts.crashes += 1
            self._note(f"the interpreter died with status {status}")
            after = partial(self._sleep_after_panic)
        after()

    def _sleep_after_panic(self) -> None:
        self._timers[-1] = self._clock.call_later(_PANIC_PAUSE_S, partial(self._start, HARD_RESET))

    def _off(self) -> None:
        self._sleep.forget()
        for appointment in self._timers.values():
            appointment.cancel()
        self._timers.clear()
        for task in self._busy_chips:
            task.cancel()
        self._busy_chips.clear()
        for chip in self.wiring.on_board_supply():
            chip.power_off()
        self._enter(State.OFF)

    def _enter(self, state: State) -> None:
        self.state = state
        self._tell()

    def _tell(self) -> None:
        for condition, future in list(self._waiting):
            if not future.done() and self._failure:
                future.set_exception(BoardFault(f"{self.name}: {self._failure}"))
            elif not future.done() and condition():
                future.set_result(None)

    def _note(self, text: str) -> None:
        if self._interpreter:
            self._interpreter.read_console()  # what was printed before comes before
        self.console.note(text)

    def _require_quiet(self) -> None:
        if self.state is State.RUNNING:
            raise RuntimeError(f"{self.name} is {self.state.value}: its flash belongs to the running program")

    # What the program asks

    def _request(self, op: int, payload: bytes) -> bytes | None:
        assert self._peripherals is not None
        serve = self._requests.get(op)
        try:
            return serve(payload) if serve else self._peripherals.request(op, payload)
        except (OSError, ValueError):
            raise
        except Exception as error:  # noqa: BLE001 - a chip's or a world's own error: it reaches whoever waits
            self._failure = error
            self._end(self._off, cut=True)
            self._tell()
            return None

    def _hello(self, request: bytes) -> bytes:
        left = -1
        if self._cut_at_operation is not None:
            left = self._cut_at_operation - flash.read_wear(self.image).operations
        uarts = bytes(_UARTS if self.wiring.uart else ())
        fields = struct.pack(
            ops.HELLO_FORMAT,
            self._cause,
            self._wake_reason,
            self.rtc.now_us(),
            left,
            self._torn,
            self.image.stat().st_size // flash.BLOCK_SIZE,
            self._epoch,
            self.unique_id,
            len(uarts),
        )
        return fields + uarts + str(self.image.resolve()).encode()

    def _program_ended(self, request: bytes) -> None:
        self.counts.ended_programs += 1
        self.stuck_because = request.decode()
        self._note(f"{self.stuck_because}: the REPL waits")
        if not self._watchdog.armed:
            self._enter(State.STUCK)

    def _power_lost(self, request: bytes) -> None:
        self.counts.power_cuts += 1
        self._cut_at_operation = None
        self._note("power cut at a flash operation")
        self._end(self._off, cut=True)

    def _deepsleep(self, request: bytes) -> None:
        asked_ms = int.from_bytes(request, "little")
        began_s = self._clock.monotonic_s()
        self._note(f"deep sleep {asked_ms} ms")

        def fall_asleep() -> None:
            self._sleep.begin(asked_ms, began_s)
            self._enter(State.ASLEEP)

        self._end(fall_asleep)

    def _woken(self, reason: int) -> None:
        self.counts.wakes += 1
        self._start(DEEPSLEEP_RESET, reason)

    def _reset(self, request: bytes) -> None:
        self.counts.software_resets += 1
        self._end(partial(self._start, HARD_RESET))

    def _soft_reset(self, request: bytes) -> None:
        self.counts.software_resets += 1
        self._end(partial(self._start, SOFT_RESET))

    def _look(self) -> None:
        if self._interpreter:
            self._interpreter.read_requests()

    def _starved(self) -> None:
        self.counts.watchdog_resets += 1
        self._note("watchdog reset")
        self._end(partial(self._start, WDT_RESET), cut=True)

    def _wake_on_pin(self, request: bytes) -> bytes:
        self._sleep.wake_on(request[0] if request else 1, list(request[1:]))
        return b""

    def _timer(self, request: bytes) -> bytes:
        number, period_ms, periodic = struct.unpack("<BIB", request)
        running = self._timers.pop(number, None)
        if running:
            running.cancel()
        if period_ms:
            self._set_timer(number, period_ms / 1000, bool(periodic))
        return b""

    def _set_timer(self, number: int, period_s: float, periodic: bool) -> None:
        def ring() -> None:
            if self._interpreter:
                self._interpreter.interrupt(ops.FROM_TIMER, number)
            if periodic:
                self._set_timer(number, period_s, periodic)

        self._timers[number] = self._clock.call_later(period_s, ring)
