"""Current by an INA219 on the computer's I2C bus, in the board's supply line.

Texas Instruments SBOS448G: section 8.6, registers 0 (configuration) and 1 (shunt voltage, 10 µV a step).
The shunt's voltage over its resistance is the current; the chip's own calibration register is not needed.
"""

import fcntl
import os
import struct
from pathlib import Path
from typing import Protocol

from hardware.protocols import Charge, InstrumentError
from hardware.virtual.clock import Clock

CONFIGURATION, SHUNT_VOLTAGE = 0, 1
STEP_UV = 10
# Shunt range ±40 mV, ±80, ±160, ±320 by gain code; 12 bits in 532 µs; shunt alone, continuously.
FULL_SCALE_MV = (40, 80, 160, 320)
_ADC_12_BITS, _SHUNT_CONTINUOUS = 0x3 << 3, 0x5
_SAMPLE_S = 0.002
_I2C_SLAVE = 0x0703


class I2cDevice(Protocol):
    """One device on a bus: write bytes, read bytes. Both raise OSError."""

    def write(self, content: bytes) -> None: ...

    def read(self, size: int) -> bytes: ...


def configuration(gain: int) -> bytes:
    """Return the write that sets the chip up for shunt readings with this gain code."""
    return struct.pack(">BH", CONFIGURATION, gain << 11 | _ADC_12_BITS | _SHUNT_CONTINUOUS)


def current_ua(register: bytes, shunt_mohm: float) -> float:
    """Return the current by the two bytes of the shunt register."""
    (steps,) = struct.unpack(">h", register)
    return float(steps) * STEP_UV / shunt_mohm * 1000


class LinuxI2c:
    """A device on /dev/i2c-N. Raises InstrumentError where it can not be opened."""

    def __init__(self, bus: int, address: int) -> None:
        path = Path(f"/dev/i2c-{bus}")
        try:
            self._device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(self._device, _I2C_SLAVE, address)
        except OSError as error:
            raise InstrumentError(
                f"meter: {path}: {error.strerror}. Is I2C switched on, and is this user in the group i2c?"
            ) from error

    def write(self, content: bytes) -> None:
        os.write(self._device, content)

    def read(self, size: int) -> bytes:
        return os.read(self._device, size)

    def close(self) -> None:
        os.close(self._device)


class Ina219:
    """Sums up samples. It resolves 10 µV over the shunt (100 µA at 100 mΩ): deep sleep needs a larger one."""

    def __init__(self, device: I2cDevice, clock: Clock, shunt_mohm: float, gain: int = 3) -> None:
        self._device, self._clock, self._shunt_mohm = device, clock, shunt_mohm
        self._full_ua = FULL_SCALE_MV[gain] / shunt_mohm * 1e6
        try:
            device.write(configuration(gain))
        except OSError as error:
            raise InstrumentError(f"the INA219 does not answer: {error}. Is its address right?") from error

    async def measure(self, seconds: float) -> Charge:
        began_s = last_s = self._clock.monotonic_s()
        uc = peak_ua = 0.0
        before_ua = self._sample()
        while last_s - began_s < seconds:
            await self._clock.sleep(_SAMPLE_S)
            ua, now_s = self._sample(), self._clock.monotonic_s()
            uc += (before_ua + ua) / 2 * (now_s - last_s)
            peak_ua = max(peak_ua, ua)
            before_ua, last_s = ua, now_s
        return Charge(last_s - began_s, uc, peak_ua)

    def _sample(self) -> float:
        try:
            self._device.write(bytes((SHUNT_VOLTAGE,)))
            ua = current_ua(self._device.read(2), self._shunt_mohm)
        except OSError as error:
            raise InstrumentError(f"the INA219 does not answer: {error}. Is it wired?") from error
        if ua >= self._full_ua * 0.999:
            raise InstrumentError(f"more than {self._full_ua / 1000:.0f} mA: take a smaller shunt")
        return ua
