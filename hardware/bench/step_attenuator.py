"""A digital step attenuator on a USB serial port, of the widespread kind with PE43712 chips in a row.

A command is a line. `att-031.75` sets 31.75 dB and is answered `attOK`; `READ` is answered `ATT = -31.75`.
The baud rate does not matter on its USB port. Source: the protocol as a free program for these boards
(digiattcontrol) implements it, with models, steps and ranges. At 0 dB each chip still takes about 1 dB, which
belongs to the bench's `fixed_db`.
"""

import asyncio
import re
import termios
import time
from dataclasses import dataclass

import serial

from hardware.listener import nearest_db
from hardware.protocols import InstrumentError

BAUD = 115200
ANSWER_S = 2.0
TRIES = 30  # a loaded computer may be slow to answer; one that is off is told after a minute
_SET = re.compile(r"attOK", re.IGNORECASE)
_READ = re.compile(r"ATT\s*=\s*-?(\d+\.\d\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Model:
    """`digits` before the decimal point in a command."""

    step_db: float
    most_db: float
    digits: int


MODELS = {
    "dc-6ghz-120db": Model(0.25, 124.75, 3),
    "dc-6ghz-90db-v3": Model(0.25, 95.25, 3),
    "dc-3g-90db-v2": Model(0.5, 94.5, 3),
    "dc-6ghz-30db": Model(0.25, 31.75, 2),
}


def command(db: float, digits: int) -> bytes:
    """Return the line that sets `db`."""
    return f"att-{db:0{digits + 3}.2f}\r\n".encode()


class StepAttenuator:
    """Opens `path` at once. Raises InstrumentError where it can not be opened."""

    def __init__(self, path: str, model: str, *, tries: int = TRIES) -> None:
        self._path, self._digits, self._tries = path, MODELS[model].digits, tries
        self.step_db, self.most_db = MODELS[model].step_db, MODELS[model].most_db
        try:
            self._port = serial.Serial(path, BAUD, timeout=0.05, write_timeout=2, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise InstrumentError(
                f"attenuator {path} can not be opened: {error}. Is it plugged in?"
            ) from error

    async def set(self, db: float) -> float:
        wanted = nearest_db(self, db)
        await asyncio.to_thread(self._ask, command(wanted, self._digits), _SET)
        found = await self.read()
        if abs(found - wanted) >= self.step_db / 2:
            raise InstrumentError(
                f"the attenuator was told {wanted:g} dB and is at {found:g}: is `model` that of the board?"
            )
        return wanted

    async def read(self) -> float:
        """Return what it is set to. Raises InstrumentError."""
        return float((await asyncio.to_thread(self._ask, b"READ\r\n", _READ))[1])

    def close(self) -> None:
        self._port.close()

    def _ask(self, line: bytes, wanted: re.Pattern[str]) -> re.Match[str]:
        """Send a line until it is answered. Raises InstrumentError."""
        try:
            for _ in range(self._tries):
                self._port.reset_input_buffer()
                self._port.write(line)
                if found := self._answer(wanted):
                    return found
        except (OSError, termios.error) as error:
            raise InstrumentError(f"attenuator {self._path} is gone: {error}. Is it plugged in?") from error
        raise InstrumentError(
            f"the attenuator at {self._path} does not answer `{line.decode().strip()}`: is that its port?"
        )

    def _answer(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        end_s = time.monotonic() + ANSWER_S
        text = ""
        while time.monotonic() < end_s:
            text += self._port.read(64).decode("ascii", "replace")
            if found := wanted.search(text):
                return found
        return None
