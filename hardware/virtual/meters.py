"""What Norwegian electricity meters push on their HAN port: whole HDLC frames, made from values.

Written from the meters' list descriptions, independently of the node's decoder. Aidon: each object with
OBIS code, value, scaler and unit. Kaifa: values in a fixed order. Kamstrup: pairs of OBIS code and value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Make: TypeAlias = Literal["aidon", "kaifa", "kamstrup"]
ListNumber: TypeAlias = Literal[1, 2, 3]

LLC = bytes.fromhex("e6e700")
# Destination, source and control of each make.
ADDRESSES: dict[Make, bytes] = {
    "aidon": bytes.fromhex("41088313"),
    "kaifa": bytes.fromhex("01020110"),
    "kamstrup": bytes.fromhex("2b2113"),
}
# Seconds between two lists of each number. Kamstrup has no list of power alone.
PERIODS_S: dict[Make, dict[int, float]] = {
    "aidon": {1: 2.5, 2: 10, 3: 3600},
    "kaifa": {1: 2, 2: 10, 3: 3600},
    "kamstrup": {2: 10, 3: 3600},
}

_WATT, _VAR, _WATT_HOUR, _VAR_HOUR, _AMPERE, _VOLT = 27, 29, 30, 32, 33, 35


@dataclass(frozen=True, slots=True)
class Values:
    """What a meter measures. Energies are registers; phases that are not wired are None and left out."""

    import_power_w: int = 0
    export_power_w: int = 0
    import_reactive_var: int = 0
    export_reactive_var: int = 0
    current_ma: tuple[int | None, int | None, int | None] = (0, 0, 0)
    phase_dv: tuple[int | None, int | None, int | None] = (2300, 2300, 2300)
    import_energy_wh: int = 0
    export_energy_wh: int = 0
    import_reactive_energy_varh: int = 0
    export_reactive_energy_varh: int = 0

    @property
    def powers(self) -> tuple[int, int, int, int]:
        return (
            self.import_power_w, self.export_power_w, self.import_reactive_var, self.export_reactive_var,
        )  # fmt: skip

    @property
    def energies(self) -> tuple[int, int, int, int]:
        return (
            self.import_energy_wh, self.export_energy_wh,
            self.import_reactive_energy_varh, self.export_reactive_energy_varh,
        )  # fmt: skip


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x8408 if byte & 1 else 0)
    return byte


_REMAINDERS = tuple(_remainder(byte) for byte in range(256))


def check(content: bytes) -> bytes:
    """The HDLC frame check: CRC-16/X.25, low byte first."""
    register = 0xFFFF
    for byte in content:
        register = register >> 8 ^ _REMAINDERS[(register ^ byte) & 0xFF]
    return (register ^ 0xFFFF).to_bytes(2, "little")


def hdlc(information: bytes, addresses: bytes, *, segmented: bool = False) -> bytes:
    """One frame with its flags around `information`; `addresses` are destination, source and control."""
    length = 2 + len(addresses) + (2 + len(information) if information else 0) + 2
    if length > 0x7FF:
        raise ValueError(f"{length} bytes do not fit one HDLC frame: send them in segments")
    header = (0xA000 | (0x0800 if segmented else 0) | length).to_bytes(2, "big") + addresses
    body = header + check(header) + information if information else header
    return b"\x7e" + body + check(body) + b"\x7e"


def segments(information: bytes, addresses: bytes, size: int) -> Iterable[bytes]:
    """`information` in as many frames as `size` bytes in each take; all but the last say that more follow."""
    parts = [information[i : i + size] for i in range(0, len(information), size)]
    for part in parts[:-1]:
        yield hdlc(part, addresses, segmented=True)
    yield hdlc(parts[-1], addresses)


def payload(
    make: Make, number: ListNumber, values: Values, clock: datetime, *, meter_id: str = "0000000000000000"
) -> bytes:
    """LLC header and APDU of list 1 (power), 2 (phases) or 3 (list 2 and registers).

    `clock` is what the meter's own clock shows. Values are cut to the meter's resolution.
    """
    build = {"aidon": _aidon, "kaifa": _kaifa, "kamstrup": _kamstrup}[make]
    return LLC + build(number, values, _date_time(clock), meter_id)


def frame(
    make: Make, number: ListNumber, values: Values, clock: datetime, *, meter_id: str = "0000000000000000"
) -> bytes:
    """The whole HDLC frame of such a list."""
    return hdlc(payload(make, number, values, clock, meter_id=meter_id), ADDRESSES[make])


def _aidon(number: ListNumber, values: Values, clock: bytes, meter_id: str) -> bytes:
    objects = [_object("1.0.1.7.0.255", _u32(values.import_power_w), 0, _WATT)]
    if number > 1:
        objects = [
            _object("1.1.0.2.129.255", _visible("AIDON_V0001")),
            _object("0.0.96.1.0.255", _visible(meter_id)),
            _object("0.0.96.1.7.255", _visible("6525")),
            *(
                _object(f"1.0.{c}.7.0.255", _u32(value), 0, unit)
                for c, value, unit in zip(
                    (1, 2, 3, 4), values.powers, (_WATT, _WATT, _VAR, _VAR), strict=True
                )
            ),
            *(
                _object(f"1.0.{c}.7.0.255", _i16(value // 100), -1, _AMPERE)
                for c, value in zip((31, 51, 71), values.current_ma, strict=True)
                if value is not None
            ),
            *(
                _object(f"1.0.{c}.7.0.255", _u16(value), -1, _VOLT)
                for c, value in zip((32, 52, 72), values.phase_dv, strict=True)
                if value is not None
            ),
        ]
    if number == 3:
        objects += [
            _object("0.0.1.0.0.255", _octets(clock)),
            *(
                _object(f"1.0.{c}.8.0.255", _u32(value // 10), 1, unit)
                for c, value, unit in zip(
                    (1, 2, 3, 4), values.energies, (_WATT_HOUR, _WATT_HOUR, _VAR_HOUR, _VAR_HOUR), strict=True
                )
            ),
        ]
    return bytes.fromhex("0f4000000000") + bytes((0x01, len(objects))) + b"".join(objects)


def _kaifa(number: ListNumber, values: Values, clock: bytes, meter_id: str) -> bytes:
    elements = [_u32(values.import_power_w)]
    if number > 1:
        # A phase that is not there has its place all the same.
        phases = [
            (current or 0, voltage or 0)
            for current, voltage in zip(values.current_ma, values.phase_dv, strict=True)
        ]
        if values.phase_dv[1:] == (None, None):
            phases = phases[:1]
        elements = [
            *(_octets(text.encode()) for text in ("KFM_001", meter_id, "MA304H3E")),
            *(_u32(value) for value in values.powers),
            *(_u32(current) for current, _ in phases),
            *(_u32(voltage) for _, voltage in phases),
        ]
    if number == 3:
        elements += [_octets(clock), *(_u32(value) for value in values.energies)]
    return bytes.fromhex("0f40000000") + _octets(clock) + bytes((0x02, len(elements))) + b"".join(elements)


def _kamstrup(number: ListNumber, values: Values, clock: bytes, meter_id: str) -> bytes:
    pairs = [
        ("1.1.0.0.5.255", _visible(meter_id)),
        ("1.1.96.1.1.255", _visible("000000000000000000")),
        *((f"1.1.{c}.7.0.255", _u32(value)) for c, value in zip((1, 2, 3, 4), values.powers, strict=True)),
        *(
            (f"1.1.{c}.7.0.255", _u32(value // 10))
            for c, value in zip((31, 51, 71), values.current_ma, strict=True)
            if value is not None
        ),
        *(
            (f"1.1.{c}.7.0.255", _u16(value // 10))
            for c, value in zip((32, 52, 72), values.phase_dv, strict=True)
            if value is not None
        ),
    ]
    if number == 3:
        pairs += [
            ("0.1.1.0.0.255", _octets(clock)),
            *(
                (f"1.1.{c}.8.0.255", _u32(value // 10))
                for c, value in zip((1, 2, 3, 4), values.energies, strict=True)
            ),
        ]
    elements = [_visible("Kamstrup_V0001")]
    for code, value in pairs:
        elements += [_obis(code), value]
    # The date-time comes without the tag of an octet string.
    return bytes.fromhex("0f000000000c") + clock + bytes((0x02, len(elements))) + b"".join(elements)


def _object(code: str, value: bytes, scaler: int | None = None, unit: int = 0) -> bytes:
    if scaler is None:
        return b"\x02\x02" + _obis(code) + value
    return b"\x02\x03" + _obis(code) + value + bytes((0x02, 0x02, 0x0F, scaler & 0xFF, 0x16, unit))


def _obis(code: str) -> bytes:
    return _octets(bytes(int(part) for part in code.split(".")))


def _octets(content: bytes) -> bytes:
    return bytes((0x09, len(content))) + content


def _visible(text: str) -> bytes:
    return bytes((0x0A, len(text))) + text.encode("ascii")


def _u32(value: int) -> bytes:
    return b"\x06" + value.to_bytes(4, "big")


def _u16(value: int) -> bytes:
    return b"\x12" + value.to_bytes(2, "big")


def _i16(value: int) -> bytes:
    return b"\x10" + value.to_bytes(2, "big", signed=True)


def _date_time(clock: datetime) -> bytes:
    """COSEM date-time: no hundredths, deviation not given, status 0."""
    return (
        clock.year.to_bytes(2, "big")
        + bytes((clock.month, clock.day, clock.isoweekday(), clock.hour, clock.minute, clock.second))
        + bytes.fromhex("ff800000")
    )


def joined(parts: Sequence[bytes]) -> bytes:
    """Frames on the line one after the other, sharing the flag between them as HDLC allows."""
    line = b""
    for part in parts:
        line += part[1:] if line.endswith(b"\x7e") else part
    return line
