"""The stimulus board: a second ESP32 with this project's firmware in its role `stimulus`, on a serial port.

It plays an ultrasonic ranger, the voltage of 4-20 mA loops over their shunts, a meter's frames and pulses.
The lines are described in firmware/lib/node/stimulus.py. It plays no 1-Wire probe: see `probe_c`.
"""

import asyncio
import contextlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import serial

from device_configs.model import Node
from device_configs.site_schema import Calibration
from hardware.protocols import InstrumentError

VERSION = "1"
ANSWER_S = 2.0
TRIES = 30  # a loaded computer may be slow to answer; a board that is off is told after a minute
PIECE = 80  # bytes of a frame in one line
GAPS = 24  # in one line
PRESS_S = 0.3  # held for five seconds the button sends a node to the shelf


def checked(text: str) -> bytes:
    """Return a line with its check."""
    return f"{text}*{zlib.crc32(text.encode()) & 0xFF:02x}\n".encode()


def text_of(line: str) -> str | None:
    """Return the text of a line, None where its check does not fit."""
    text, star, check = line.rpartition("*")
    return text if star and check == f"{zlib.crc32(text.encode()) & 0xFF:02x}" else None


def commands(node: Node) -> Mapping[str, Callable[[float], str]]:
    """Return for each channel that can be played of a node what makes a value (mm) true."""
    found: dict[str, Callable[[float], str]] = {}
    for channel in node.profile.channels:
        if channel.quantity == "loop_ua":
            number = len(found)
            line = max((c for c in node.calibration if c.channel == channel.name), key=lambda c: c.revision)
            found[channel.name] = partial(_loop, number, line)
        elif channel.quantity == "distance_mm":
            found[channel.name] = lambda mm: f"ranger {round(mm)}"
    return found


def _loop(number: int, line: Calibration, mm: float) -> str:
    """A transmitter that is what the node's calibration says it is."""
    ua = line.raw0 + (mm - line.value0) * (line.raw1 - line.raw0) / (line.value1 - line.value0)
    return f"loop {number} {round(ua)}"


class StimulusBoard:
    """Opens `path` at once. Raises InstrumentError where it can not be opened.

    `button`: its contact is wired to the board's button, instead of a pulse input.
    """

    def __init__(self, path: str, node: Node, baud: int = 115200, *, button: bool = False) -> None:
        self.button = button
        self._number = 0
        self._commands = commands(node)
        self.channels = frozenset(self._commands)
        self._path = path
        self._heard = asyncio.Event()
        self._lines: list[str] = []
        self._partial = b""
        port = serial.Serial()
        port.port, port.baudrate, port.timeout, port.write_timeout = path, baud, 0, 2
        port.exclusive = True
        port.dtr = port.rts = False
        try:
            port.open()
        except (serial.SerialException, OSError) as error:
            raise InstrumentError(
                f"stimulus board {path} can not be opened: {error}. Is it plugged in?"
            ) from error
        self._port = port
        asyncio.get_running_loop().add_reader(port.fileno(), self._read)

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._port.fileno())
        self._port.close()

    async def known(self) -> frozenset[str]:
        """Return what the board can play; `channels` are those of the node's from now on.

        Raises InstrumentError where it is not such a board.
        """
        name, version, *parts = (await self._ask("hello")).split()
        if (name, version) != ("stimulus", VERSION):
            raise InstrumentError(
                f"{self._path} is a {name} {version}: put this version's firmware on the stimulus board"
            )
        self.channels = frozenset(name for name in self._commands if self._part(name) in parts)
        return frozenset(parts)

    def _part(self, channel: str) -> str:
        """Return which output of the board a channel needs, by the name that `hello` tells."""
        verb, *rest = self._commands[channel](0).split()
        return verb + rest[0] if verb == "loop" else verb

    async def set(self, channel: str, value: float) -> None:
        command = self._commands.get(channel)
        if command is None or channel not in self.channels:
            known = ", ".join(sorted(self.channels))
            raise InstrumentError(f"nothing plays `{channel}` here; known: {known}")
        await self._ask(command(value))

    async def meter(self, frames: Sequence[bytes], period_s: float) -> None:
        """Play a recording of a meter's frames, over and over; none: silence. Raises InstrumentError."""
        for number, frame in enumerate(frames):
            for at in range(0, len(frame), PIECE):
                await self._ask(f"frame {number} {at} {frame[at : at + PIECE].hex()}")
        await self._ask(f"meter {len(frames)} {round(period_s * 1000) if frames else 0}")

    async def pulses(self, gaps_s: Sequence[float], low_s: float = 0.05) -> None:
        """Begin to close the contact once after each of these gaps. Raises InstrumentError."""
        for at in range(0, len(gaps_s), GAPS):
            listed = ",".join(str(round(gap * 1000)) for gap in gaps_s[at : at + GAPS])
            await self._ask(f"gaps {at} {listed}")
        await self._ask(f"pulses {len(gaps_s)} {round(low_s * 1000)}")

    async def played(self) -> int:
        """Return how many pulses there have been since `pulses`."""
        return int(await self._ask("played"))

    async def press(self) -> None:
        if not self.button:
            raise InstrumentError(
                "nothing presses the board's button here: wire the stimulus board's contact to it, and write "
                "`button: true`"
            )
        await self.pulses([PRESS_S + 0.1], PRESS_S)
        while not await self.played():  # noqa: ASYNC110  it is asked
            await asyncio.sleep(0.05)
        await asyncio.sleep(PRESS_S)

    async def probe_c(self) -> float:
        """Return what the board's reference probe reads: what others in the same water should read, in °C."""
        return int(await self._ask("probe")) / 100

    async def silence(self) -> None:
        await self._ask("stop")

    async def _ask(self, text: str) -> str:
        """Send a command until it is answered. Raises InstrumentError."""
        self._number = (self._number + 1) % 1000
        line = checked(f"{self._number} {text}")
        self._lines.clear()
        for _ in range(TRIES):
            try:
                self._port.write(b"\n" + line)  # the first ends what noise may have begun
            except (serial.SerialException, OSError) as error:
                raise InstrumentError(f"stimulus board {self._path} is gone: {error}") from error
            with contextlib.suppress(TimeoutError):
                answer = await asyncio.wait_for(self._answer(f"{self._number} "), ANSWER_S)
                if answer.startswith("ok"):
                    return answer[3:]
                raise InstrumentError(f"the stimulus board refuses `{text[:40]}`: {answer}")
        raise InstrumentError(
            f"the stimulus board at {self._path} does not answer: has it supply, and the role `stimulus`?"
        )

    async def _answer(self, number: str) -> str:
        while True:
            while self._lines:
                answer = text_of(self._lines.pop(0))
                if answer is not None and answer.startswith(number):
                    return answer.removeprefix(number)
            self._heard.clear()
            await self._heard.wait()

    def _read(self) -> None:
        try:
            content = self._port.read(4096)
        except (serial.SerialException, OSError):
            return
        *lines, self._partial = (self._partial + content).split(b"\n")
        self._lines += [line.decode(errors="replace").strip() for line in lines]
        self._heard.set()
