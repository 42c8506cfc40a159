"""DS18B20, a thermometer on 1-Wire, bit by bit. Maxim 19-7487 Rev 6: "1-Wire Bus System", "Memory"."""

from collections.abc import Iterable, Sequence
from enum import Enum, auto

from hardware.virtual.chips.chip import Chip, Fault, Quantity, Witness
from hardware.virtual.clock import Clock

SEARCH_ROM, READ_ROM, MATCH_ROM, SKIP_ROM, ALARM_SEARCH = 0xF0, 0x33, 0x55, 0xCC, 0xEC
CONVERT, WRITE_SCRATCHPAD, READ_SCRATCHPAD = 0x44, 0x4E, 0xBE
COPY_SCRATCHPAD, RECALL, READ_POWER_SUPPLY = 0x48, 0xB8, 0xB4
POWER_ON_CODE = 0x0550  # 85.0 degC: not a reading
FULL_CONVERSION_S = 0.75


def crc8(content: Iterable[int]) -> int:
    """x^8 + x^5 + x^4 + 1, least significant bit first (Maxim application note 27)."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


def code(celsius: float, resolution_bits: int = 12) -> int:
    """The 16-bit temperature register: 1/16 degC two's complement; lower resolutions leave bits at 0."""
    sixteenths = round(max(-55.0, min(125.0, celsius)) * 16)
    return sixteenths >> (12 - resolution_bits) << (12 - resolution_bits) & 0xFFFF


def rom(serial: int) -> bytes:
    """Family code 28h, 48-bit serial number, checksum."""
    body = b"\x28" + serial.to_bytes(6, "little")
    return body + bytes((crc8(body),))


class _Phase(Enum):
    IDLE = auto()
    ROM_COMMAND = auto()
    MATCHING = auto()
    SEARCHING = auto()
    FUNCTION = auto()
    WRITING = auto()
    SENDING = auto()
    BUSY = auto()


class Ds18b20(Chip):
    """One thermometer; `celsius` is read when a conversion starts."""

    def __init__(self, rom: bytes, celsius: Quantity, clock: Clock, witness: Witness | None = None) -> None:
        if len(rom) != 8 or crc8(rom):
            raise ValueError(f"{rom.hex()} is no 1-Wire ROM code: 8 bytes whose last is the checksum")
        super().__init__(witness)
        self.rom = rom
        self._celsius = celsius
        self._clock = clock
        self._reset_memory()

    def _reset_memory(self) -> None:
        self._temperature = POWER_ON_CODE
        self._user = bytearray((0x4B, 0x46, 0x7F))  # TH, TL, configuration
        self._saved = bytes(self._user)
        self._converted: int | None = None
        self._done_s = 0.0
        self._phase = _Phase.IDLE
        self._bits: list[int] = []
        self._position = 0

    def power_on(self) -> None:
        super().power_on()
        self._reset_memory()

    def reset(self) -> bool:
        """A reset pulse; True is the presence pulse."""
        self._enter(_Phase.ROM_COMMAND)
        return self.answers

    def write_bit(self, bit: int) -> None:
        if self._phase is _Phase.SEARCHING:
            self._search_step(bit)
            return
        if self._phase not in (_Phase.ROM_COMMAND, _Phase.MATCHING, _Phase.FUNCTION, _Phase.WRITING):
            return
        self._bits.append(bit & 1)
        wanted = {_Phase.MATCHING: 64, _Phase.WRITING: 24}.get(self._phase, 8)
        if len(self._bits) == wanted:
            self._received(_bytes_of(self._bits))

    def read_bit(self) -> int:
        """What this chip leaves on the line in a read slot: 0 pulls it low, 1 lets go."""
        if not self.answers:
            return 1
        if self._phase is _Phase.SEARCHING:
            bit = _bit(self.rom, self._position // 3)
            step = self._position % 3
            self._position += 1
            return bit if step == 0 else 1 - bit
        if self._phase is _Phase.BUSY:
            self._settle()
            return 1 if self._converted is None else 0
        if self._phase is _Phase.SENDING and self._position < len(self._bits):
            self._position += 1
            return self._bits[self._position - 1]
        return 1

    def _enter(self, phase: _Phase, send: Sequence[int] = ()) -> None:
        self._phase = phase
        self._bits = list(send)
        self._position = 0

    def _search_step(self, bit: int) -> None:
        if bit != _bit(self.rom, self._position // 3):
            self._enter(_Phase.IDLE)
            return
        self._position += 1
        if self._position == 3 * 64:
            self._enter(_Phase.IDLE)

    def _received(self, content: bytes) -> None:
        if self._phase is _Phase.ROM_COMMAND:
            self._rom_command(content[0])
        elif self._phase is _Phase.MATCHING:
            self._enter(_Phase.FUNCTION if content == self.rom else _Phase.IDLE)
        elif self._phase is _Phase.WRITING:
            # Only R1 and R0 of the configuration can be written (figure 10).
            self._user = bytearray((content[0], content[1], content[2] & 0x60 | 0x1F))
            self._enter(_Phase.IDLE)
        else:
            self._function(content[0])

    def _rom_command(self, command: int) -> None:
        if command == READ_ROM:
            self._enter(_Phase.SENDING, _bits_of(self.rom))
        else:
            follows = {
                SEARCH_ROM: _Phase.SEARCHING, MATCH_ROM: _Phase.MATCHING, SKIP_ROM: _Phase.FUNCTION,
            }  # fmt: skip
            self._enter(follows.get(command, _Phase.IDLE))

    def _function(self, command: int) -> None:
        self._settle()
        if command == CONVERT:
            self._convert()
            self._enter(_Phase.BUSY)
        elif command == READ_SCRATCHPAD:
            self._enter(_Phase.SENDING, _bits_of(self.scratchpad()))
        elif command == WRITE_SCRATCHPAD:
            self._enter(_Phase.WRITING)
        else:
            if command == COPY_SCRATCHPAD:
                self._saved = bytes(self._user)
            elif command == RECALL:
                self._user = bytearray(self._saved)
            self._enter(_Phase.IDLE)

    def _convert(self) -> None:
        if not self.answers:
            return
        bits = 9 + (self._user[2] >> 5 & 3)
        if self.fault is Fault.STUCK:
            self._converted = self._temperature
        elif self.fault is Fault.BROWNOUT:
            self._converted = POWER_ON_CODE
        else:
            celsius = 125.0 if self.fault is Fault.OUT_OF_RANGE else self._celsius()
            self._converted = code(celsius, bits)
        self._done_s = self._clock.monotonic_s() + FULL_CONVERSION_S / (1 << (12 - bits))
        self._sampled(self.rom.hex(), (self._converted ^ 0x8000) - 0x8000, self._clock.utc_ms())

    def _settle(self) -> None:
        if self._converted is not None and self._clock.monotonic_s() >= self._done_s:
            self._temperature = self._converted
            self._converted = None

    def scratchpad(self) -> bytes:
        """The nine bytes, checksum last."""
        body = self._temperature.to_bytes(2, "little") + bytes(self._user) + b"\xff\x0c\x10"
        checksum = crc8(body)
        if self.fault is Fault.CORRUPT:
            checksum ^= 1
        return body + bytes((checksum,))


def _bit(content: bytes, position: int) -> int:
    return content[position >> 3] >> (position & 7) & 1


def _bits_of(content: bytes) -> list[int]:
    return [_bit(content, i) for i in range(8 * len(content))]


def _bytes_of(bits: Sequence[int]) -> bytes:
    return sum(bit << i for i, bit in enumerate(bits)).to_bytes(len(bits) // 8, "little")


class OneWireBus(Chip):
    """Devices on one line with a pull-up: whoever pulls low wins."""

    def __init__(self, *devices: Ds18b20) -> None:
        super().__init__()
        self.devices = devices

    def power_on(self) -> None:
        super().power_on()
        for device in self.devices:
            device.power_on()

    def power_off(self) -> None:
        super().power_off()
        for device in self.devices:
            device.power_off()

    def reset(self) -> bool:
        """True when a device answers."""
        present = [device.reset() for device in self.devices]
        return any(present) and self.fault is not Fault.DISCONNECTED

    def write_bit(self, bit: int) -> None:
        if self.fault is not Fault.DISCONNECTED:
            for device in self.devices:
                device.write_bit(bit)

    def read_bit(self) -> int:
        if self.fault is Fault.DISCONNECTED:
            return 1
        return min([device.read_bit() for device in self.devices], default=1)

    def write_byte(self, value: int) -> None:
        for i in range(8):
            self.write_bit(value >> i & 1)

    def read_byte(self) -> int:
        return sum(self.read_bit() << i for i in range(8))
