"""MB7374, an ultrasonic ranger with serial output. MaxBotix PD11838, "HRXL-MaxSonar-WRS"."""

from hardware.virtual.chips.chip import Fault, Quantity, Witness
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import Clock

NEAREST_MM = 500  # anything nearer reads as this
NO_TARGET_MM = 5000
PING_S = 0.15
LINE = LineSettings(9600)


def report(distance_mm: float) -> bytes:
    """`R`, four digits of millimetres, carriage return."""
    return b"R%04d\r" % max(NEAREST_MM, min(NO_TARGET_MM, round(distance_mm)))


class Mb7374(SerialChip):
    """Ranges freely, or only while `trigger` lets it once a pin drives that (pin 4: low stops it)."""

    def __init__(self, distance_mm: Quantity, clock: Clock, witness: Witness | None = None) -> None:
        super().__init__(LINE, witness)
        self._distance_mm = distance_mm
        self._clock = clock
        self._last = report(NO_TARGET_MM)
        self.trigger = Trigger()

    async def run(self) -> None:
        if self.answers:
            self.send(b"\xff")  # the line rises with the supply: a stray character
        while True:
            await self._clock.sleep(PING_S)
            if self.answers and self.trigger.take():
                self.send(self._ping())

    def _ping(self) -> bytes:
        if self.fault is Fault.OUT_OF_RANGE:
            self._last = report(NO_TARGET_MM)
        elif self.fault is not Fault.STUCK:
            self._last = report(self._distance_mm())
        self._sampled("distance_mm", int(self._last[1:5]), self._clock.utc_ms())
        if self.fault is Fault.CORRUPT:
            return b"R1\xff" + self._last[3:]
        return self._last


class Trigger:
    """The ranger's pin 4 with its pull-up. A high pulse between two pings is remembered for one ping."""

    def __init__(self) -> None:
        self._level = 1
        self._pulsed = False

    def level(self) -> int:
        return self._level

    def driven(self, level: int | None) -> None:
        self._level = 1 if level is None else level
        self._pulsed = self._pulsed or bool(self._level)

    def take(self) -> bool:
        allowed = bool(self._level) or self._pulsed
        self._pulsed = False
        return allowed
