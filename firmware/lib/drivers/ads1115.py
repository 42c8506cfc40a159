"""ADS1115, 16-bit ADC on I2C, reading a 4-20 mA current loop across a shunt.

Texas Instruments SBAS444D (January 2018): "Single-Shot Mode", "Data Format", "Register Map".
Limits of the loop current: NAMUR NE 43.
"""

from drivers.median import median, spread
from wire.quantities import AT_HIGH, AT_LOW, FAULT, OK, SPREAD

# Address pointer register
CONVERSION = 0x00
CONFIG = 0x01

# Config register: 0xC583 = start (bit 15), AIN0 against ground (14:12 = 100), +-2.048 V
# (11:9 = 010), single-shot (8), 128 samples/s (7:5 = 100), comparator off (1:0 = 11).
SINGLE_SHOT_AIN0 = 0xC583
NEXT_INPUT = 0x1000
READY = 0x8000  # reads 1 when no conversion is running
WIDE = 0x0600  # exclusive-or with it turns +-2.048 V (010) into +-4.096 V (001)

RANGE_MV = 2048
WIDE_RANGE_MV = 4096
FULL_SCALE = 0x7FFF

CONVERSION_MS = 8  # 1/128 s; the chip keeps its data rate to 10 %, so the first look may come early
POLLS = 8  # 1 ms apart: gives up at nearly twice the time a conversion can take

# NE 43: a transmitter signals its own failure below 3.6 and above 21 mA and measures from 3.8 to 20.5 mA.
# The measuring range ends at 20 mA: from there on the level is "at or beyond", which holds an alarm.
# At the lower end the zero of a healthy transmitter on a dry brook lies a little to either side of 4 mA,
# so only what NE 43 calls saturated is "at low".
OPEN_UA = 3600
LOW_UA = 3800
HIGH_UA = 20000
SHORTED_UA = 21000


def to_uv(code: int, range_mv: int = RANGE_MV) -> int:
    """Input voltage in uV, rounded, of a conversion result -32768..32767 ("Data Format")."""
    return (code * range_mv * 1000 + 0x4000) >> 15


def to_loop_ua(code: int, shunt_ohm: int = 100, range_mv: int = RANGE_MV) -> int:
    """Loop current in uA, rounded, of a conversion result across `shunt_ohm`."""
    return (code * range_mv * 1000 + (shunt_ohm << 14)) // (shunt_ohm << 15)


def judge(loop_ua: int) -> "tuple[int | None, int]":
    """(loop current in uA or None, quality) by NE 43's limits."""
    if loop_ua < OPEN_UA or loop_ua > SHORTED_UA:
        return None, FAULT
    if loop_ua >= HIGH_UA:
        return loop_ua, AT_HIGH
    if loop_ua < LOW_UA:
        return loop_ua, AT_LOW
    return loop_ua, OK


class ADS1115:
    """`i2c` as machine.I2C. `fault` says in words why the last read gave FAULT, `spread_ua` how far its
    conversions were apart."""

    def __init__(self, i2c, sleep_ms, address=0x48, shunt_ohm=100, conversions=7, spread_limit_ua=160):
        self._i2c = i2c
        self._sleep_ms = sleep_ms
        self._address = address
        self._shunt_ohm = shunt_ohm
        self._conversions = conversions
        self._spread_limit_ua = spread_limit_ua
        self._two = bytearray(2)
        self.fault = None
        self.spread_ua = None

    def read(self, channel: int = 0) -> "tuple[int | None, int]":
        """(loop current of input 0..3 in uA, quality): the median of the conversions.

        An error of the bus is a FAULT, never an exception.
        """
        self.fault = self.spread_ua = None
        config = SINGLE_SHOT_AIN0 + channel * NEXT_INPUT
        range_mv = RANGE_MV
        codes = self._convert(config)
        if codes and median(codes) == FULL_SCALE:
            # 100 ohm reach the end of +-2.048 V at 20.48 mA: only the wide range tells a level beyond its
            # range (20.5 mA) from a shorted loop (over 21 mA).
            range_mv = WIDE_RANGE_MV
            codes = self._convert(config ^ WIDE)
        if not codes:
            return None, FAULT
        currents = [to_loop_ua(code, self._shunt_ohm, range_mv) for code in codes]
        self.spread_ua = spread(currents)
        value, quality = judge(median(currents))
        if value is None:
            self.fault = "loop open" if median(currents) < OPEN_UA else "loop shorted"
        elif quality == OK and self.spread_ua > self._spread_limit_ua:
            quality = SPREAD
        return value, quality

    def _convert(self, config):
        # The results of the conversions, or none of them where half or more failed.
        codes = []
        for _ in range(self._conversions):
            try:
                codes.append(self._convert_once(config))
            except OSError as error:
                self.fault = "no conversion from I2C address 0x%02x: %s" % (self._address, error)
        if len(codes) * 2 <= self._conversions:
            return ()
        self.fault = None
        return codes

    def _convert_once(self, config):
        two = self._two
        two[0] = config >> 8
        two[1] = config & 0xFF
        self._i2c.writeto_mem(self._address, CONFIG, two)
        self._sleep_ms(CONVERSION_MS)
        for _ in range(POLLS):
            self._i2c.readfrom_mem_into(self._address, CONFIG, two)
            status = two[0] << 8 | two[1]
            if status & READY:
                break
            self._sleep_ms(1)
        else:
            raise OSError("not ready in time")
        if (status ^ config) & ~READY & 0xFFFF:
            raise OSError("it lost its configuration")  # a brown-out resets it to another input and range
        self._i2c.readfrom_mem_into(self._address, CONVERSION, two)
        code = two[0] << 8 | two[1]
        return code - 0x10000 if code & 0x8000 else code


class Loops:
    """The inputs of one chip, as the node samples them."""

    def __init__(self, chips):
        self._chips = chips  # (chip, input) of each channel

    def read(self):
        return [chip.read(number) for chip, number in self._chips]

    def faults(self):
        """In words what is wrong."""
        return ["input %d: %s" % (number, chip.fault) for chip, number in self._chips if chip.fault]


def attach(hardware, channels):
    """For sampling: `address`, `input` and `shunt_ohm` of each channel."""
    i2c = hardware.i2c(channels[0]["bus"])
    return Loops(
        [
            (ADS1115(i2c, hardware.sleep_ms, c.get("address", 0x48), c.get("shunt_ohm", 100)), c["input"])
            for c in channels
        ]
    )
