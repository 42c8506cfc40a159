"""A chip's end of a UART."""

from collections.abc import Callable
from dataclasses import dataclass

from hardware.virtual.chips.chip import Chip, Witness


@dataclass(frozen=True, slots=True)
class LineSettings:
    """`parity` is "N", "E" or "O"."""

    baud: int
    bits: int = 8
    parity: str = "N"
    stop: int = 1

    @property
    def byte_s(self) -> float:
        return (1 + self.bits + (self.parity != "N") + self.stop) / self.baud


class SerialChip(Chip):
    """`run` speaks while the node listens; `send` puts bytes on the line, lost when nobody does."""

    def __init__(self, line: LineSettings, witness: Witness | None = None) -> None:
        super().__init__(witness)
        self.line = line
        self.send: Callable[[bytes], None] = lambda content: None

    async def run(self) -> None:
        """Everything the chip says on its own."""

    def received(self, content: bytes) -> None:
        """What the node sends to the chip."""
