"""ADS1115, a 16-bit ADC on I2C. Texas Instruments SBAS444E, sections 7.3, 8.1 and 8.5."""

from collections.abc import Mapping

from hardware.virtual.chips.chip import Chip, Fault, Quantity, Witness
from hardware.virtual.clock import Clock

CONVERSION, CONFIG, LO_THRESH, HI_THRESH = range(4)
POWER_ON_CONFIG = 0x8583
FULL_SCALE_V = (6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256)
SAMPLES_PER_S = (8, 16, 32, 64, 128, 250, 475, 860)
# Multiplexer setting -> positive and negative input; None is ground.
INPUTS: tuple[tuple[int, int | None], ...] = (
    (0, 1), (0, 3), (1, 3), (2, 3), (0, None), (1, None), (2, None), (3, None),
)  # fmt: skip
SUPPLY_V = 3.3
_READY = 0x8000
_SINGLE_SHOT = 0x0100
_WAKE_UP_S = 25e-6


def code(volts: float, full_scale_v: float) -> int:
    """The signed 16-bit result; it clips at both ends of the range."""
    return max(-32768, min(32767, round(volts / full_scale_v * 32768)))


class Ads1115(Chip):
    """`inputs` maps AIN numbers to volts against ground; an absent one floats at 0 V."""

    def __init__(self, inputs: Mapping[int, Quantity], clock: Clock, witness: Witness | None = None) -> None:
        super().__init__(witness)
        self._inputs = inputs
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self._registers = [0, POWER_ON_CONFIG & ~_READY, 0x8000, 0x7FFF]
        self._pointer = CONVERSION
        self._done_s = 0.0
        self._next: int | None = None

    def power_on(self) -> None:
        super().power_on()
        self._reset()

    @property
    def converting(self) -> bool:
        return self._next is not None

    def i2c_write(self, content: bytes) -> None:
        """A pointer byte, or that and a register's two bytes. A chip that is not there raises OSError."""
        self._require()
        if not content:
            return
        self._finish()
        self._pointer = content[0] & 3
        if len(content) >= 3 and self._pointer != CONVERSION:
            self._registers[self._pointer] = int.from_bytes(content[1:3], "big")
            if self._pointer == CONFIG:
                self._configured()

    def i2c_read(self, size: int) -> bytes:
        self._require()
        self._finish()
        value = self._registers[self._pointer]
        if self._pointer == CONFIG:
            value = value & ~_READY if self.converting else value | _READY
        register = (value & 0xFFFF).to_bytes(2, "big")
        return (register + b"\xff" * size)[:size]

    def _require(self) -> None:
        if not self.answers:
            raise OSError(19, "ENODEV")

    def _configured(self) -> None:
        config = self._registers[CONFIG]
        self._registers[CONFIG] = config & ~_READY
        if not config & _SINGLE_SHOT:
            self._start(self._clock.monotonic_s())
        elif config & _READY and not self.converting:
            self._start(self._clock.monotonic_s() + _WAKE_UP_S)

    def _start(self, at_s: float) -> None:
        self._next = self._sample()
        self._done_s = at_s + 1 / SAMPLES_PER_S[self._registers[CONFIG] >> 5 & 7]

    def _finish(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._next is None or now_s < self._done_s:
            return
        self._registers[CONVERSION] = self._next
        self._next = None
        if not self._registers[CONFIG] & _SINGLE_SHOT:
            self._start(now_s)

    def _sample(self) -> int:
        config = self._registers[CONFIG]
        plus, minus = INPUTS[config >> 12 & 7]
        if self.fault is Fault.STUCK:
            result = _signed(self._registers[CONVERSION])
        elif self.fault is Fault.OUT_OF_RANGE:
            result = 32767
        else:
            result = code(self._volts(plus) - self._volts(minus), FULL_SCALE_V[config >> 9 & 7])
        channel = f"AIN{plus}" if minus is None else f"AIN{plus}-AIN{minus}"
        self._sampled(channel, result, self._clock.utc_ms())
        return result

    def _volts(self, number: int | None) -> float:
        source = None if number is None else self._inputs.get(number)
        # The protection diodes clamp 0.3 V outside the supply (section 6.1).
        return 0.0 if source is None else max(-0.3, min(SUPPLY_V + 0.3, source()))


def _signed(register: int) -> int:
    return (register & 0x7FFF) - (register & 0x8000)
