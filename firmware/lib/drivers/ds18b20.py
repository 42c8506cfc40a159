"""DS18B20, 1-Wire thermometer.

Maxim Integrated 19-7487 Rev 6 (July 2019): "Operation - Measuring Temperature", "Memory", "CRC Generation",
"DS18B20 Function Commands". For probes with their own supply wire; parasite power is not supported, as no
strong pull-up is driven during the conversion.

85.0 C is what the register holds after power-on: read from a probe whose supply dipped, or whose
conversion never ran, it looks like a reading with a right CRC. So it is not believed at once. The
probe is asked again, alone, so that it can prove the reading:
- TH and TL are first recalled from its EEPROM, then written inverted: a power-on would recall them again,
  so finding them still inverted afterwards shows that no power-on came in between;
- it must answer 0 ("busy") right after Convert T, which shows that it did convert.
85.0 C with both is a reading; with less it is a FAULT.
"""

from wire.quantities import FAULT, OK

CONVERT_T = 0x44
WRITE_SCRATCHPAD = 0x4E
READ_SCRATCHPAD = 0xBE
RECALL = 0xB8
SKIP_ROM = 0xCC

CONVERSION_MS = 750  # at 12 bits, the longest
RECALL_MS = 10
POWER_ON = 0x0550  # 85.0 C
TWELVE_BITS = 0x7F
LOWEST = -55 * 16
HIGHEST = 125 * 16


def crc8(data) -> int:
    """Dallas/Maxim CRC, x^8 + x^5 + x^4 + 1, least significant bit first, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


def whole(scratchpad) -> bool:
    """Whether nine bytes are a scratchpad. All zeros (bus held low) have a right CRC: the configuration
    byte, whose fixed bits read 0..11111, tells them apart."""
    return crc8(scratchpad[:8]) == scratchpad[8] and scratchpad[4] & 0x9F == 0x1F


def sixteenths(scratchpad) -> int:
    """The temperature register in 1/16 C, its undefined bits (resolution below 12 bits) taken as 0."""
    raw = scratchpad[1] << 8 | scratchpad[0]
    if raw & 0x8000:
        raw -= 0x10000
    undefined = 3 - (scratchpad[4] >> 5 & 3)
    return raw >> undefined << undefined


def to_temp_cc(raw: int) -> int:
    """Hundredths of a degree, rounded half up, from 1/16 C."""
    return (raw * 25 + 2) // 4


class DS18B20:
    """One probe; `bus` as onewire.OneWire, `rom` its 8-byte id, None where it is alone on the bus.

    `fault` says in words why the last read gave FAULT.
    """

    def __init__(self, bus, sleep_ms, rom=None):
        self._bus = bus
        self._sleep_ms = sleep_ms
        self._rom = rom
        self._nine = bytearray(9)
        self.fault = None

    def start(self) -> bool:
        """Start the conversion of every probe on the bus, without waiting; False where none is present."""
        try:
            present = self._bus.reset()
            if present:
                self._bus.writebyte(SKIP_ROM)
                self._bus.writebyte(CONVERT_T)
            return bool(present)
        except OSError:
            return False

    def read(self, started: bool = False) -> "tuple[int | None, int]":
        """(temperature in hundredths of a degree, quality). Never raises for the bus.

        With `started` the caller says that start() of any probe of this bus came at least CONVERSION_MS ago.
        """
        self.fault = None
        try:
            if not started:
                if not self.start():
                    return self._refuse("no probe on the bus")
                self._sleep_ms(CONVERSION_MS)
            if not (self._scratchpad() or self._scratchpad()):
                return self._refuse("no answer" if self._silent() else "bad CRC")
            raw = sixteenths(self._nine)
            if raw == POWER_ON:
                raw = self._read_with_proof()
                if raw is None:
                    return self._refuse("power-on value: its supply dips or it does not convert")
        except OSError as error:
            return self._refuse("bus error: %s" % error)
        if not LOWEST <= raw <= HIGHEST:
            return self._refuse("%d/16 C is outside what it can measure" % raw)
        return to_temp_cc(raw), OK

    def _refuse(self, why):
        self.fault = why
        return None, FAULT

    def _silent(self):
        return all([byte == 0xFF for byte in self._nine])

    def _address(self, command):
        if not self._bus.reset():
            raise OSError("no probe on the bus")
        if self._rom is None:
            self._bus.writebyte(SKIP_ROM)
        else:
            self._bus.select_rom(self._rom)
        self._bus.writebyte(command)

    def _scratchpad(self):
        self._address(READ_SCRATCHPAD)
        self._bus.readinto(self._nine)
        return whole(self._nine)

    def _read_with_proof(self):
        # The register in 1/16 C; None where it is not proved to come from a conversion.
        self._address(RECALL)
        self._sleep_ms(RECALL_MS)
        if not self._scratchpad():
            return None
        mark = bytes((self._nine[2] ^ 0xFF, self._nine[3] ^ 0xFF))
        self._address(WRITE_SCRATCHPAD)
        for byte in (mark[0], mark[1], TWELVE_BITS):
            self._bus.writebyte(byte)
        self._address(CONVERT_T)
        converting = self._bus.readbyte() == 0
        self._sleep_ms(CONVERSION_MS)
        if not self._scratchpad():
            return None
        raw = sixteenths(self._nine)
        proved = converting and self._nine[2:4] == mark
        return raw if proved or raw != POWER_ON else None


class Probes:
    """The probes of one bus, as the node samples them: converted together, read one by one."""

    def __init__(self, probes, sleep_ms):
        self._probes = probes
        self._sleep_ms = sleep_ms

    def read(self):
        started = self._probes[0].start()
        if started:
            self._sleep_ms(CONVERSION_MS)
        return [probe.read(started) for probe in self._probes]

    def faults(self):
        """In words what is wrong."""
        return [probe.fault for probe in self._probes if probe.fault]


def attach(hardware, channels):
    """For sampling: `rom` (16 hex digits) of each channel; without one it has to be alone on its bus."""
    bus = hardware.onewire(channels[0]["bus"])
    probes = []
    for channel in channels:
        rom = channel.get("rom")
        rom = bytes([int(rom[i : i + 2], 16) for i in range(0, 16, 2)]) if rom else None
        probes.append(DS18B20(bus, hardware.sleep_ms, rom))
    return Probes(probes, hardware.sleep_ms)
