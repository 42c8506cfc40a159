"""MaxBotix MB7374 (HRXL-MaxSonar-WRST), ultrasonic ranger for snow depth, free-running on a UART.

MaxBotix PD12593g, pin 5 "Serial Output": 9600 8N1, `R`, four digits of millimetres, carriage return. A target
nearer than 500 mm reads 0500, none within range 5000. Switched on, it first sends lines of text, some
with an R in them.
"""

from drivers.median import median, spread
from wire.quantities import AT_LOW, FAULT, MISSING, OK, SPREAD

NEAR_MM = 500
FAR_MM = 5000
PING_MS = 170  # a little over the time between two readings
PINGS = 9  # 7 to 20
POLL_MS = 20

R = 0x52
CR = 0x0D
# What the line gives when the sensor is switched or the level converter wakes; no character it sends.
GLITCHES = (0x00, 0xFF)


class PingParser:
    """Finds readings in a byte stream, however it is cut into pieces."""

    def __init__(self):
        self._digits = -1  # how many are read since the R; -1 while waiting for one
        self._mm = 0
        self.refused = 0  # readings that began and were broken off

    def feed(self, data) -> "list[int]":
        """The readings in mm that `data` completes."""
        pings = []
        for byte in data:
            if byte in GLITCHES:
                continue
            if byte == R:
                self.refused += self._digits >= 0
                self._digits = self._mm = 0
            elif self._digits < 0:
                pass
            elif 0x30 <= byte <= 0x39 and self._digits < 4:
                self._mm = self._mm * 10 + byte - 0x30
                self._digits += 1
            else:
                if byte == CR and self._digits == 4:
                    pings.append(self._mm)
                else:
                    self.refused += 1
                self._digits = -1
        return pings


def judge(pings, wanted: int, spread_limit_mm: int) -> "tuple[int | None, int, int | None]":
    """(distance in mm or None, quality, spread in mm or None) of the readings of one measurement.

    - FAULT: more than half of the `wanted` readings are not there: the sensor is silent or garbled.
    - MISSING: it pings, but most get no echo back (5000): nothing was measured, and no distance is meant.
    - AT_LOW: nearer than it can measure, so full or obstructed; the distance is 500.
    - SPREAD: the readings disagree; some of them may be at 500 or without echo.
    """
    enough = wanted // 2 + 1
    if len(pings) < enough:
        return None, FAULT, None
    echoes = [mm if mm > NEAR_MM else NEAR_MM for mm in pings if mm < FAR_MM]
    if len(echoes) < enough:
        return None, MISSING, None
    apart = spread(echoes)
    middle = median(echoes)
    if middle == NEAR_MM:
        return NEAR_MM, AT_LOW, apart
    return middle, SPREAD if apart > spread_limit_mm else OK, apart


class MB7374:
    """`uart` as machine.UART, already set to 9600 8N1. `fault` says in words why the last read gave FAULT,
    `spread_mm` how far its readings were apart (None without a distance)."""

    def __init__(self, uart, ticks_ms, sleep_ms, pings=PINGS, spread_limit_mm=50):
        self._uart = uart
        self._ticks_ms = ticks_ms
        self._sleep_ms = sleep_ms
        self._wanted = pings
        self._spread_limit_mm = spread_limit_mm
        self.fault = None
        self.spread_mm = None

    def read(self) -> "tuple[int | None, int]":
        """(distance in mm, quality): the median of the readings. Never raises for the bus."""
        self.fault = None
        try:
            pings, heard = self._listen()
        except OSError as error:
            self.fault = "no reading from the UART: %s" % error
            self.spread_mm = None
            return None, FAULT
        value, quality, self.spread_mm = judge(pings, self._wanted, self._spread_limit_mm)
        if quality == FAULT:
            self.fault = "%d of %d readings in %d bytes" % (len(pings), self._wanted, heard)
        return value, quality

    def _listen(self):
        # The readings, and how many bytes came, until there are enough or half as long again has passed.
        uart = self._uart
        if uart.any():
            uart.read()  # from before this measurement
        parser = PingParser()
        pings = []  # type: list[int]
        heard = 0
        limit_ms = self._wanted * PING_MS * 3 // 2
        start = self._ticks_ms()
        # Ticks count up to 2**30 on an ESP32 and start again.
        while len(pings) < self._wanted and (self._ticks_ms() - start & 0x3FFFFFFF) < limit_ms:
            data = uart.read() if uart.any() else None
            if data:
                heard += len(data)
                pings += parser.feed(data)
            else:
                self._sleep_ms(POLL_MS)
        return pings[: self._wanted], heard


class Ranger:
    """The ranger's outputs, as the node samples them: `distance` and `spread`."""

    def __init__(self, chip, outputs):
        self._chip = chip
        self._outputs = outputs

    def read(self):
        distance = self._chip.read()
        spread_mm = self._chip.spread_mm
        return [
            distance if output == "distance" else (spread_mm, OK if spread_mm is not None else MISSING)
            for output in self._outputs
        ]

    def faults(self):
        """In words what is wrong."""
        return [self._chip.fault] if self._chip.fault else []


def attach(hardware, channels):
    """For sampling: `output` of each channel and `pings`."""
    uart = hardware.uart(channels[0]["bus"], baudrate=9600, rxbuf=256)
    chip = MB7374(uart, hardware.ticks_ms, hardware.sleep_ms, channels[0].get("pings", PINGS))
    return Ranger(chip, [c["output"] for c in channels])
