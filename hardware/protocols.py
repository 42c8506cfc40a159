"""The instruments of a test bench: what a test may ask of each, real or virtual.

A bench has some of them, by these names: console, power, flasher, stimulus, meter, radio, attenuator. Times
are those of the bench's clock, which on a virtual bench jumps while everybody waits.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from device_configs.radio_schema import Lora
from gateway.carriers import Carrier
from hardware.virtual.radio.physics import airtime_s


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


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """A LoRa packet that was heard whole; `ended_ms` is the UTC of its end, by the bench's clock."""

    ended_ms: int
    frequency_khz: int
    spreading_factor: int
    bandwidth_khz: int
    rssi_dbm: float
    snr_db: float
    payload: bytes

    @property
    def airtime_s(self) -> float:
        """How long it was on the air, by a formula that is not the node's."""
        return airtime_s(len(self.payload), self.spreading_factor, self.bandwidth_khz)


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
    """What the sensors see, and who presses the button; `button`: somebody can."""

    channels: frozenset[str]
    button: bool

    async def set(self, channel: str, value: float) -> None:
        """Make it true for a channel: mm, degrees Celsius or volts. Raises InstrumentError for no channel."""

    async def press(self) -> None:
        """Press the board's button for a moment. Raises InstrumentError."""


class Meter(Protocol):
    """The current the board draws from its supply."""

    async def measure(self, seconds: float) -> Charge: ...


class Attenuator(Protocol):
    """A loss that can be set, in steps of `step_db` from nothing to `most_db`."""

    step_db: float
    most_db: float

    async def set(self, db: float) -> float:
        """Set the nearest loss it can, and return that. Raises InstrumentError."""


class Radio(Protocol):
    """A second radio, outside of the board: it hears what the board sends, and can answer for a gateway.

    Between the two antennas lie `fixed_db` of cables and pads, and the attenuator where there is one.
    """

    fixed_db: float
    attenuator: Attenuator | None

    @property
    def losses(self) -> Sequence[tuple[int, float]]:
        """What the attenuator was set to, and when (UTC ms)."""

    def heard(self) -> Sequence[HeardFrame]:
        """Return each uplink that was heard since the bench was opened."""

    async def listen(self, lora: Lora) -> None:
        """Hear the uplinks of this channel and spreading factor from now on. Raises InstrumentError.

        A packet that begins in the next moment may be missed: a radio takes some time to tune.
        """

    async def attenuate(self, db: float) -> float:
        """Set the nearest loss the attenuator can, and return that. Raises InstrumentError."""

    def carrier(self) -> Carrier:
        """Return a gateway's way to what is heard, and to answer it; one at a time, until it is closed."""

    async def close(self) -> None: ...
