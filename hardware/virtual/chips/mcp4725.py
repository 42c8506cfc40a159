"""MCP4725, a 12-bit DAC on I2C. Microchip DS22039D, sections 6.1.1 (fast mode write) and 6.1.2."""

from hardware.virtual.chips.chip import Chip, Witness

STEPS = 4096
_POWER_ON_CODE = 0x800  # the EEPROM of a chip from the factory: half of the supply


class Mcp4725(Chip):
    """`volts` is what its output has; 0 while it is powered down or has no supply."""

    def __init__(self, supply_v: float = 3.3, witness: Witness | None = None) -> None:
        super().__init__(witness)
        self._supply_v = supply_v
        self._code, self._down = _POWER_ON_CODE, False

    def power_on(self) -> None:
        super().power_on()
        self._code, self._down = _POWER_ON_CODE, False

    @property
    def volts(self) -> float:
        return 0.0 if self._down or not self.powered else self._supply_v * self._code / STEPS

    def _require(self) -> None:
        if not self.answers:
            raise OSError(19, "ENODEV")

    def i2c_write(self, content: bytes) -> None:
        """Fast mode: pairs of (0 0 PD1 PD0 D11..D8), D7..D0. Or a command and twelve bits on the left."""
        self._require()
        if content and content[0] >> 6 == 0:
            for high, low in zip(content[::2], content[1::2], strict=False):
                self._down = bool(high >> 4 & 3)
                self._code = (high & 0x0F) << 8 | low
        elif len(content) >= 3 and content[0] >> 5 in (0b010, 0b011):
            self._down = bool(content[0] >> 1 & 3)
            self._code = content[1] << 4 | content[2] >> 4

    def i2c_read(self, size: int) -> bytes:
        """Ready, the register as in a write with a command, then the same of the EEPROM."""
        self._require()
        register = bytes((0xC0 | (2 if self._down else 0), self._code >> 4, self._code << 4 & 0xF0))
        return (register + register[1:])[:size]
