"""The instruments of a test bench: what a test may ask of each, real or virtual.

A bench has some of them, by these names: console, power, flasher, stimulus, meter. Times are those of the
bench's clock, which on a virtual bench jumps while everybody waits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class InstrumentError(Exception):
    """An instrument is missing or does not do what it was told. The text says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What flowed within `seconds`: charge in microcoulombs, and the largest current in microamperes."""

    seconds: float
    uc: float
    peak_ua: float

    @property
    def mean_ua(self) -> float:
        return self.uc / self.seconds


class Console(Protocol):
    """The board's serial port."""

    def text(self) -> str:
        """Return all that was heard since the bench was opened, without carriage returns."""

    async def until(self, pattern: str, timeout_s: float, start: int = 0) -> re.Match[str]:
        """Return the first match of a regular expression in `text()[start:]`, when it comes.

        Raises TimeoutError.
        """

    async def script(self, source: str, timeout_s: float = 10.0) -> str:
        """Interrupt the program, run `source` at MicroPython's raw prompt and return what it prints.

        Raises TimeoutError where no prompt answers, InstrumentError with the board's traceback.
        """

    async def close(self) -> None: ...


class Power(Protocol):
    """The board's supply. Both do nothing where it is so already."""

    async def on(self) -> None: ...

    async def off(self) -> None: ...


class Flasher(Protocol):
    """Writes the chip's flash while the board has supply. The program starts with the next power-on."""

    async def program(self) -> None:
        """Put MicroPython on the chip. Raises InstrumentError."""

    async def files(self, tree: Mapping[str, bytes]) -> None:
        """Replace the board's file system by these files (path -> content). Raises InstrumentError."""


class Stimulus(Protocol):
    """What the sensors see."""

    channels: frozenset[str]

    async def set(self, channel: str, value: float) -> None:
        """Make it true for a channel: mm, degrees Celsius or volts. Raises InstrumentError for no channel."""


class Meter(Protocol):
    """The current the board draws from its supply."""

    async def measure(self, seconds: float) -> Charge: ...
