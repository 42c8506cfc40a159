"""The line to an SX126x: SPI with chip select and BUSY (DS.SX1261-2.W.APP rev. 2.1, section 8).

Every wait has an end: a radio that hangs becomes an OSError, never a node that stands still.
"""

import time

_CLEAR_IRQ, _WRITE_REGISTER, _GET_IRQ, _GET_ERRORS, _READ_REGISTER = 0x02, 0x0D, 0x12, 0x17, 0x1D

XOSC_ERROR = 0x20
_ERRORS = ("RC64k", "RC13M", "PLL calibration", "ADC", "image", "XOSC (TCXO)", "PLL lock", "", "PA ramp")
_BUSY_MS = 50  # longest: calibration of everything, 3.5 ms, behind a TCXO's start


class RadioError(OSError):
    """The radio does not do what it was told; the text says what is wrong."""


def named(errors):
    """Return the device errors in words (table 13-85)."""
    return ", ".join([name for i, name in enumerate(_ERRORS) if errors >> i & 1])


class Line:
    """`cs` and `busy` are pins."""

    def __init__(self, spi, cs, busy):
        self._spi = spi
        self._cs = cs
        self._busy = busy
        cs.init(cs.OUT, value=1)
        busy.init(busy.IN)

    def wake(self):
        self._cs(0)
        time.sleep_ms(1)
        self._cs(1)
        self.wait()

    def wait(self):
        end = time.ticks_add(time.ticks_ms(), _BUSY_MS)
        while self._busy():
            if time.ticks_diff(end, time.ticks_ms()) <= 0:
                raise RadioError("radio: BUSY stays high: is it wired, has it supply?")
            time.sleep_ms(1)

    def command(self, frame):
        self.wait()
        self._cs(0)
        self._spi.write(frame)
        self._cs(1)

    def transfer(self, frame):
        self.wait()
        answer = bytearray(len(frame))
        self._cs(0)
        self._spi.write_readinto(frame, answer)
        self._cs(1)
        return answer

    def ask(self, command, size):
        """Return the status byte and what follows it."""
        return self.transfer(bytes((command,)) + bytes(size))[1:]

    def irq(self):
        """Return (status byte, interrupts)."""
        status, high, low = self.ask(_GET_IRQ, 3)
        return status, high << 8 | low

    def errors(self):
        _, high, low = self.ask(_GET_ERRORS, 3)
        return high << 8 | low

    def clear_irq(self):
        self.command(bytes((_CLEAR_IRQ, 0xFF, 0xFF)))

    def write(self, register, content):
        self.command(bytes((_WRITE_REGISTER, register >> 8, register & 255)) + content)

    def change(self, register, mask, bits):
        old = self.transfer(bytes((_READ_REGISTER, register >> 8, register & 255, 0, 0)))[4]
        self.write(register, bytes((old & ~mask | bits,)))
