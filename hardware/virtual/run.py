"""One run of the firmware: from a reset to whatever ends it."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from hardware.virtual import flash
from hardware.virtual.clock import Appointment, BoardClock
from hardware.virtual.console import Console
from hardware.virtual.interpreter import Ears, Interpreter
from hardware.virtual.nvs import Nvs
from hardware.virtual.peripherals import Peripherals
from hardware.virtual.rtc import Rtc
from hardware.virtual.shims import _board_ops as ops
from hardware.virtual.uart_port import UartPorts
from hardware.virtual.watchdog import Watchdog
from hardware.virtual.wifi import AccessPoint, Station
from hardware.virtual.wiring import Wiring

_UARTS = (1, 2)  # UART 0 is the console


Chip: TypeAlias = Literal["esp32", "esp32s3"]


@dataclass(slots=True)
class Circuit:
    """What a board consists of; it outlives every run."""

    name: str
    image: Path
    wiring: Wiring
    clock: BoardClock
    console: Console
    rtc: Rtc
    nvs: Nvs
    access_point: AccessPoint | None
    unique_id: bytes
    heap_kb: int
    epoch: int
    chip: Chip
    prefix: Sequence[str]
    ticks_ms: int | None = None
    cut_at_operation: int | None = None  # of the flash, counted since the image was made
    torn: bool = False
    prompt: bool = False  # somebody is at the serial port


class Ending(Enum):
    DEEP_SLEEP = "deep sleep"
    RESET = "reset"
    SOFT_RESET = "soft reset"
    WATCHDOG = "watchdog reset"
    CRASH = "the interpreter died"
    POWER_CUT = "power cut"
    FLASH_POWER_CUT = "power cut at a flash operation"
    BUTTON = "reset button"
    FAILURE = "the board host failed"


@dataclass(slots=True)
class Outcome:
    """How the run ended; the sleep's fields count for DEEP_SLEEP, `failure` for FAILURE."""

    ending: Ending = Ending.CRASH
    asked_ms: int = 0
    began_s: float = 0.0
    wake_level: int = 1
    wake_pins: list[int] = field(default_factory=list)
    failure: Exception | None = None


class Run:
    """Starts the interpreter. `ended` is called once, when its process is gone.

    `idle` is called when the program has come to its end and only the REPL would be left.
    """

    def __init__(
        self,
        circuit: Circuit,
        reset_cause: int,
        wake_reason: int,
        ended: Callable[[Outcome], None],
        idle: Callable[[str], None],
    ) -> None:
        self._circuit = circuit
        self._reset_cause, self._wake_reason = reset_cause, wake_reason
        self._ended = ended
        self._idle = idle
        self._outcome = Outcome()
        self._at_prompt = False
        self._timers: dict[int, Appointment] = {}
        self._waiting: Appointment | None = None  # the program waits on a virtual clock
        self._offset_s = circuit.clock.offset_s
        circuit.clock.hold()
        self._watchdog = Watchdog(circuit.clock, self._look, partial(self.end, Ending.WATCHDOG))
        ears = Ears(self._request, circuit.console.write, self._exited)
        uarts = _UARTS if circuit.wiring.uart else ()
        self._interpreter = Interpreter(ears, circuit.heap_kb, uarts, circuit.prefix, circuit.prompt)
        self._peripherals = Peripherals(
            circuit.wiring,
            circuit.rtc,
            circuit.nvs,
            Station(circuit.access_point, circuit.clock),
            UartPorts(circuit.wiring.uart, self._interpreter.uart_pipes, circuit.clock),
            self._interrupt,
        )
        self._serve: dict[int, Callable[[bytes], bytes | None]] = {
            ops.HELLO: self._hello,
            ops.STUCK: self._program_ended,
            ops.POWER_LOST: lambda request: self.end(Ending.FLASH_POWER_CUT),
            ops.DEEPSLEEP: self._deepsleep,
            ops.RESET: lambda request: self.end(Ending.RESET),
            ops.SOFT_RESET: lambda request: self.end(Ending.SOFT_RESET),
            ops.WDT_FEED: lambda request: self._watchdog.feed(int.from_bytes(request, "little")),
            ops.WAKE_ON_PIN: self._wake_on_pin,
            ops.TIMER: self._timer,
            ops.WAIT: self._wait,
            ops.LISTEN: self._listen,
        }

    @property
    def pid(self) -> int:
        return self._interpreter.pid

    def type(self, keys: bytes) -> None:
        """What arrives at the serial port: Ctrl-C interrupts the program, the prompt gets the rest."""
        keyboard = self._interpreter.keyboard
        if keyboard is None:
            return
        if not keyboard.at_prompt and b"\x03" in keys:
            self._interrupt(ops.FROM_KEYBOARD, 0)
        keyboard.type(keys)

    def end(self, ending: Ending) -> None:
        """Stops the program where it stands."""
        asked = f" {self._outcome.asked_ms} ms" if ending is Ending.DEEP_SLEEP else ""
        self._note(ending.value + asked)
        self._outcome.ending = ending
        self._watchdog.disarm()
        self._interpreter.end(cut=ending not in (Ending.DEEP_SLEEP, Ending.RESET, Ending.SOFT_RESET))

    def _exited(self, status: int) -> None:
        self._watchdog.disarm()
        if self._waiting:
            self._waiting.cancel()
        else:
            self._circuit.clock.release()
        for appointment in self._timers.values():
            appointment.cancel()
        self._timers.clear()
        self._peripherals.release()
        if self._outcome.ending is Ending.CRASH and self._at_prompt and status == 0:
            self._outcome.ending = Ending.SOFT_RESET  # Ctrl-D
            self._circuit.console.write(b"MPY: soft reboot\r\n")
        if self._outcome.ending is Ending.CRASH:
            self._circuit.console.note(f"the interpreter died with status {status}")
        self._ended(self._outcome)

    def _note(self, text: str) -> None:
        self._interpreter.read_console()  # what was printed before comes before
        self._circuit.console.note(text)

    def _request(self, op: int, payload: bytes) -> bytes | None:
        serve = self._serve.get(op)
        try:
            return serve(payload) if serve else self._peripherals.request(op, payload)
        except (OSError, ValueError):
            raise
        except Exception as error:  # noqa: BLE001 - a chip's or a world's own error goes to who waits for the board
            self._outcome.failure = error
            self.end(Ending.FAILURE)
            return None

    def _hello(self, request: bytes) -> bytes:
        circuit = self._circuit
        left = -1
        if circuit.cut_at_operation is not None:
            left = circuit.cut_at_operation - flash.read_wear(circuit.image).operations
        uarts = bytes(_UARTS if circuit.wiring.uart else ())
        fields = struct.pack(
            ops.HELLO_FORMAT,
            self._reset_cause,
            self._wake_reason,
            circuit.rtc.now_us(),
            left,
            circuit.torn,
            circuit.image.stat().st_size // flash.BLOCK_SIZE,
            circuit.epoch,
            circuit.chip == "esp32s3",
            circuit.unique_id,
            circuit.clock.virtual,
            ops.NO_TICKS if circuit.ticks_ms is None else circuit.ticks_ms,
            len(uarts),
        )
        return fields + uarts + str(circuit.image.resolve()).encode()

    def _program_ended(self, request: bytes) -> bytes | None:
        because = request.decode()
        self._note(f"{because}: the REPL waits")
        self._idle("" if self._watchdog.armed else because)
        if not self._interpreter.keyboard:
            return None
        self._at_prompt = True
        self._interpreter.keyboard.open_prompt()
        return b""

    def _listen(self, request: bytes) -> bytes:
        """The program reads what arrives at the serial port."""
        if self._interpreter.keyboard:
            self._interpreter.keyboard.listen()
        return b""

    def _deepsleep(self, request: bytes) -> None:
        self._outcome.asked_ms = int.from_bytes(request, "little", signed=True)
        self._outcome.began_s = self._circuit.clock.monotonic_s()
        self.end(Ending.DEEP_SLEEP)

    def _look(self) -> None:
        self._interpreter.read_requests()

    def _wake_on_pin(self, request: bytes) -> bytes:
        self._outcome.wake_level = request[0] if request else 1
        self._outcome.wake_pins = list(request[1:])
        return b""

    def _wait(self, request: bytes) -> None:
        """The program waits on a virtual clock: answered when the time has come or an interrupt has."""
        (us,) = struct.unpack("<q", request)
        self._waiting = self._circuit.clock.call_later(us / 1e6, self._waited)
        self._circuit.clock.release()

    def _waited(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None
            self._circuit.clock.hold()
            grace_ms = self._circuit.clock.grace_ms
            self._interpreter.answer(struct.pack("<qH", self._jumped_us(), grace_ms))

    def _jumped_us(self) -> int:
        """How far time has jumped since this run began."""
        return round((self._circuit.clock.offset_s - self._offset_s) * 1e6)

    def _interrupt(self, source: int, number: int) -> None:
        self._interpreter.interrupt(source, number)
        self._waited()

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
            self._interrupt(ops.FROM_TIMER, number)
            if periodic:
                self._set_timer(number, period_s, periodic)

        self._timers[number] = self._circuit.clock.call_later(period_s, ring)
