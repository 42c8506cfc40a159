"""What every chip has in common: supply, faults, and a witness of the samples it hands out."""

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

Quantity: TypeAlias = Callable[[], float]
"""A physical value at the moment of the call."""

Witness: TypeAlias = Callable[[str, int, int], None]
"""Told of every sample: channel ("AIN0"), raw value handed out, UTC ms at which it was taken."""


class Fault(Enum):
    NONE = "none"
    DISCONNECTED = "disconnected"  # a broken wire: the chip does not answer at all
    STUCK = "stuck"  # the last value again and again
    OUT_OF_RANGE = "out of range"  # the end of what the chip can express
    CORRUPT = "corrupt"  # bits flip on the line
    BROWNOUT = "brownout"  # the chip starts anew during each conversion


class Chip:
    """Base of all chips. `fault` may be set at any time; `powered` follows the board or a switch."""

    def __init__(self, witness: Witness | None = None) -> None:
        self.fault = Fault.NONE
        self.powered = False
        self._witness = witness

    def power_on(self) -> None:
        """Supply rises: registers take their power-on values."""
        self.powered = True

    def power_off(self) -> None:
        self.powered = False

    @property
    def answers(self) -> bool:
        return self.powered and self.fault is not Fault.DISCONNECTED

    def _sampled(self, channel: str, raw: int, utc_ms: int) -> None:
        if self._witness:
            self._witness(channel, raw, utc_ms)
