"""Eastron SDM630-Modbus, three-phase energy meter on RS-485.

Eastron "SDM630 Modbus protocol implementation" V1.5, input registers: function 04, IEEE 754 single
precision, most significant register first. Modbus over serial line V1.02, section 2.5.1: RTU, CRC-16 low
byte first.

The node's floats have single precision and would round what the meter sends, so its floats are taken apart
as integers: a register of 16777.217 kWh is 16777217 Wh.
"""

from wire.quantities import FAULT, OK

READ_INPUT = 0x04

# name -> (first register, power of ten from the meter's unit to the name's)
REGISTERS = {
    "l1_phase_dv": (0x0000, 1),
    "l2_phase_dv": (0x0002, 1),
    "l3_phase_dv": (0x0004, 1),
    "l1_current_ma": (0x0006, 3),
    "l2_current_ma": (0x0008, 3),
    "l3_current_ma": (0x000A, 3),
    "power_w": (0x0034, 0),  # total; negative when more is exported than imported
    "reactive_var": (0x003C, 0),
    "import_energy_wh": (0x0048, 3),
    "export_energy_wh": (0x004A, 3),
    "import_reactive_energy_varh": (0x004C, 3),
    "export_reactive_energy_varh": (0x004E, 3),
}

ANSWER_MS = 300  # the meter answers within 60 ms at 9600 baud; a busy bus needs more
POLL_MS = 5
ATTEMPTS = 2
_TICKS = 0x3FFFFFFF


def crc16(data) -> int:
    """CRC-16/MODBUS: polynomial 0xA001 reflected, from 0xFFFF; it is sent low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def request(address: int, register: int, count: int) -> bytes:
    """The frame that asks `address` for `count` input registers from `register`."""
    body = bytes((address, READ_INPUT, register >> 8, register & 0xFF, count >> 8, count & 0xFF))
    crc = crc16(body)
    return body + bytes((crc & 0xFF, crc >> 8))


def find_answer(data, address: int, count: int) -> "bytes | None":
    """The bytes of `count` registers in what was received; None while no whole, right answer is in it.

    What comes before is passed over: an echo of the request, or a stray byte from switching the line.
    """
    size = 2 * count
    for at in range(len(data) - size - 4):
        if data[at] == address and data[at + 1] == READ_INPUT and data[at + 2] == size:
            end = at + 3 + size
            if crc16(data[at:end]) == data[end] | data[end + 1] << 8:
                return bytes(data[at + 3 : end])
    return None


def refusal(data, address: int) -> "int | None":
    """The Modbus exception code in what was received, if it is one."""
    for at in range(len(data) - 4):
        if data[at] == address and data[at + 1] == READ_INPUT | 0x80:
            if crc16(data[at : at + 3]) == data[at + 3] | data[at + 4] << 8:
                return data[at + 2]
    return None


def to_int(four, power: int = 0) -> "int | None":
    """A big-endian single-precision float times 10**power, rounded half away from zero; exact, by integers.

    None for infinities and what is no number.
    """
    bits = four[0] << 24 | four[1] << 16 | four[2] << 8 | four[3]
    exponent = bits >> 23 & 0xFF
    fraction = bits & 0x7FFFFF
    if exponent == 0xFF:
        return None
    if exponent:
        fraction |= 0x800000
    else:
        exponent = 1  # subnormal
    scaled = fraction * 10**power
    shift = exponent - 150  # the fraction counts units of 2**(exponent - 127 - 23)
    if shift >= 0:
        scaled <<= shift
    else:
        scaled = (scaled + (1 << -shift - 1)) >> -shift
    return -scaled if bits >> 31 else scaled


class SDM630:
    """`uart` as machine.UART; `drive`, if the transceiver does not switch by itself, is called with 1 before
    sending and 0 after. `fault` says in words why the last read gave FAULT."""

    def __init__(self, uart, ticks_ms, sleep_ms, address=1, drive=None):
        self._uart = uart
        self._ticks_ms = ticks_ms
        self._sleep_ms = sleep_ms
        self._address = address
        self._drive = drive
        self.fault = None

    def read(self, name: str) -> "tuple[int | None, int]":
        """(value, quality) of one of REGISTERS. Never raises for the bus."""
        register, power = REGISTERS[name]
        self.fault = "no answer from address %d" % self._address
        for _ in range(ATTEMPTS):
            try:
                four = self._ask(register)
            except OSError as error:
                self.fault = "bus error: %s" % error
                continue
            if four is not None:
                value = to_int(four, power)
                self.fault = None if value is not None else "register 0x%04x holds no number" % register
                return value, OK if value is not None else FAULT
        return None, FAULT

    def _ask(self, register):
        uart = self._uart
        if uart.any():
            uart.read()  # late answers belong to earlier questions
        if self._drive:
            self._drive(1)
        try:
            uart.write(request(self._address, register, 2))
            uart.flush()  # until the last bit is out
        finally:
            if self._drive:
                self._drive(0)
        data = b""
        start = self._ticks_ms()
        while self._ticks_ms() - start & _TICKS < ANSWER_MS:
            if uart.any():
                data += uart.read() or b""
                four = find_answer(data, self._address, 2)
                if four is not None:
                    return four
                code = refusal(data, self._address)
                if code is not None:
                    self.fault = "the meter refuses register 0x%04x with code %d" % (register, code)
                    return None
            else:
                self._sleep_ms(POLL_MS)
        return None


class Meter:
    """The meter as the node samples it, by the names the HAN port uses: power has no sign but a direction."""

    def __init__(self, chip, outputs):
        self._chip = chip
        self._outputs = outputs
        self._said = None

    def read(self):
        found = []
        self._said = None
        silent = False
        for output in self._outputs:
            if silent:  # a meter that is not there is not asked for each of its registers
                found.append((None, FAULT))
                continue
            found.append(self._read(output))
            if found[-1][1] == FAULT:
                self._said = self._chip.fault
                silent = self._said.startswith("no answer")
        return found

    def _read(self, output):
        if output not in ("import_power_w", "export_power_w"):
            return self._chip.read(output)
        value, quality = self._chip.read("power_w")
        if value is None:
            return None, quality
        return max(value if output == "import_power_w" else -value, 0), quality

    def faults(self):
        """In words what is wrong."""
        return [self._said] if self._said else []


def attach(hardware, channels):
    """For sampling: `output` of each channel, `address` and `baud` of the meter."""
    bus, first = channels[0]["bus"], channels[0]
    uart = hardware.uart(bus, baudrate=first.get("baud", 9600), bits=8, parity=None, stop=1)
    chip = SDM630(uart, hardware.ticks_ms, hardware.sleep_ms, first.get("address", 1))
    return Meter(chip, [c["output"] for c in channels])
