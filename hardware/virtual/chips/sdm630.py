"""An Eastron SDM630-Modbus on RS-485: answers the requests for input registers that are meant for it.

Written from "SDM630 Modbus protocol implementation" V1.5 and Modbus over serial line V1.02, independently of
the node's driver.
"""

import struct
from collections.abc import Mapping

from hardware.virtual.chips.chip import Fault, Quantity, Witness
from hardware.virtual.chips.serial_line import LineSettings, SerialChip
from hardware.virtual.clock import Clock

# Input registers by what they hold: V, A, W, var, kWh and kvarh as single-precision floats.
PARAMETERS = {
    "l1_v": 0, "l2_v": 2, "l3_v": 4, "l1_a": 6, "l2_a": 8, "l3_a": 10, "power_w": 52, "reactive_var": 60,
    "import_kwh": 72, "export_kwh": 74, "import_kvarh": 76, "export_kvarh": 78,
}  # fmt: skip
_LAST = 381
_READ_INPUT, _ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS = 4, 1, 2


def crc(content: bytes) -> bytes:
    """Modbus CRC-16, low byte first."""
    register = 0xFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register.to_bytes(2, "little")


class Sdm630(SerialChip):
    """`quantities` by the names of PARAMETERS; what is not given is 0."""

    def __init__(
        self,
        quantities: Mapping[str, Quantity],
        clock: Clock,
        address: int = 1,
        baud: int = 9600,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(LineSettings(baud), witness)
        self._quantities = {PARAMETERS[name]: quantity for name, quantity in quantities.items()}
        self._clock = clock
        self._address = address
        self._last: dict[int, bytes] = {}

    def received(self, content: bytes) -> None:
        """A request of eight bytes; whatever else comes is not answered."""
        if not self.answers or len(content) != 8 or content[0] != self._address:
            return
        if crc(content[:6]) != content[6:]:
            return
        answer = self._answer(content[1], *struct.unpack(">HH", content[2:6]))
        answer += crc(answer)
        if self.fault is Fault.CORRUPT:
            answer = answer[:3] + bytes((answer[3] ^ 0x10,)) + answer[4:]
        self.send(answer)

    def _answer(self, function: int, first: int, count: int) -> bytes:
        head = bytes((self._address, function))
        if function != _READ_INPUT:
            return bytes((self._address, function | 0x80, _ILLEGAL_FUNCTION))
        if first % 2 or count % 2 or not count or first + count > _LAST:
            return bytes((self._address, function | 0x80, _ILLEGAL_ADDRESS))
        content = b"".join(self._four(at) for at in range(first, first + count, 2))
        return head + bytes((len(content),)) + content

    def _four(self, register: int) -> bytes:
        if self.fault is Fault.OUT_OF_RANGE:
            return struct.pack(">f", float("inf"))
        if self.fault is not Fault.STUCK or register not in self._last:
            quantity = self._quantities.get(register)
            self._last[register] = struct.pack(">f", quantity() if quantity else 0.0)
        raw = self._last[register]
        self._sampled(f"0x{register:04x}", int.from_bytes(raw, "big"), self._clock.utc_ms())
        return raw
