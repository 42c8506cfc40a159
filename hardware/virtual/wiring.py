"""Which pin of the board leads to which chip. As on a real board the pins decide, not the bus's number."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from hardware.virtual.chips.battery import Battery
from hardware.virtual.chips.chip import Chip
from hardware.virtual.chips.ds18b20 import OneWireBus
from hardware.virtual.chips.gpio import Switch
from hardware.virtual.chips.serial_line import SerialChip


class I2cChip(Protocol):
    """A chip that does not answer raises OSError(19)."""

    def i2c_write(self, content: bytes) -> None: ...

    def i2c_read(self, size: int) -> bytes: ...


class SpiChip(Protocol):
    """`select` follows the chip-select pin; `transfer` answers as many bytes as it gets."""

    def select(self, selected: bool) -> None: ...

    def transfer(self, content: bytes) -> bytes: ...


class PinChip(Protocol):
    """`level` is what the node reads; `driven` is what it puts on the pin, None when it lets go."""

    def level(self) -> int: ...

    def driven(self, level: int | None) -> None: ...


@runtime_checkable
class PinSource(PinChip, Protocol):
    """A pin chip whose level changes on its own, and which tells so."""

    def listen(self, listener: Callable[[int], None] | None) -> None: ...


@dataclass(frozen=True, slots=True)
class I2cBus:
    scl: int
    sda: int
    chips: Mapping[int, I2cChip]


@dataclass(frozen=True, slots=True)
class SpiBus:
    """`chips` by chip-select pin (active low)."""

    sck: int
    mosi: int
    miso: int
    chips: Mapping[int, SpiChip]


@dataclass(frozen=True, slots=True)
class UartLine:
    """`tx` and `rx` are the node's pins."""

    tx: int
    rx: int
    chip: SerialChip


@dataclass(frozen=True, slots=True)
class Wiring:
    i2c: tuple[I2cBus, ...] = ()
    spi: tuple[SpiBus, ...] = ()
    uart: tuple[UartLine, ...] = ()
    onewire: Mapping[int, OneWireBus] = field(default_factory=dict)
    adc: Mapping[int, Battery] = field(default_factory=dict)
    pins: Mapping[int, PinChip] = field(default_factory=dict)

    def chips(self) -> Iterator[Chip]:
        """Every chip once, those fed by a switch too."""
        seen: set[int] = set()
        for part in self._parts():
            if isinstance(part, Chip) and id(part) not in seen:
                seen.add(id(part))
                yield part

    def _parts(self) -> Iterator[object]:
        for i2c in self.i2c:
            yield from i2c.chips.values()
        for spi in self.spi:
            yield from spi.chips.values()
        for line in self.uart:
            yield line.chip
        yield from self.onewire.values()
        yield from self.adc.values()
        yield from self.pins.values()

    def on_board_supply(self) -> list[Chip]:
        """The chips that have supply whenever the board has."""
        chips = list(self.chips())
        switched = {id(load) for chip in chips if isinstance(chip, Switch) for load in chip.loads}
        return [chip for chip in chips if id(chip) not in switched]
