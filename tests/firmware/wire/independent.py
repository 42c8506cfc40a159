"""A second decoder, written from firmware/lib/wire/SPEC.md alone: it shows that the page says enough.

It shares no code with `wire`. A body is a text of '0' and '1', CBOR is cbor2's, AES-CCM and HKDF are
cryptography's, and the quantities are read from the page itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SPEC = Path(__file__).resolve().parents[3] / "firmware" / "lib" / "wire" / "SPEC.md"


Field = tuple[str, int, int | None]


class Refused(Exception):
    """The page does not allow this frame."""


@dataclass
class Report:
    """One record as the page has it."""

    sequence: int
    time: int
    values: list[int | None]
    quality: list[int]


@dataclass
class Decoded:
    """A frame taken apart; `fields` is every field in order: name, size in bits, its number if it is one."""

    type: int
    flags: int
    node: int
    counter: int
    plain: bytes = b""
    schema: int | None = None
    epoch: int | None = None
    clock: int | None = None
    reports: list[Report] = field(default_factory=list)
    control: dict[int, Any] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)


def tables(heading: str) -> Iterator[list[str]]:
    """Yield the cells of each table row below the line of the page that starts with `heading`."""
    lines = SPEC.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(heading))
    seen = False
    for line in lines[start + 1 :]:
        if line.startswith("|"):
            seen = True
            yield [cell.strip() for cell in line.strip("|").split("|")]
        elif seen:
            return


def quantities() -> dict[int, tuple[int, int, int]]:
    """Return {id: (lo, hi, w)} of section 8."""
    rows = [row for row in tables("## 8.") if row[0].isdigit()]
    return {int(row[0]): (int(row[4]), int(row[5]), int(row[6])) for row in rows}


class Bits:
    def __init__(self, source: bytes) -> None:
        self.text = "".join(f"{byte:08b}" for byte in source)
        self.fields: list[Field] = []

    def cut(self, size: int) -> str:
        if len(self.text) < size:
            raise Refused("too short")
        cut, self.text = self.text[:size], self.text[size:]
        return cut

    def take(self, name: str, size: int) -> int:
        number = int(self.cut(size) or "0", 2)
        self.fields.append((name, size, number))
        return number

    def uvarint(self, name: str) -> int:
        groups: list[str] = []
        more = True
        while more:
            byte = self.cut(8)
            more = byte[0] == "1"
            groups.insert(0, byte[1:])
        if len(groups) > 5 or (len(groups) > 1 and set(groups[0]) == {"0"}):
            raise Refused("no uvarint")
        number = int("".join(groups), 2)
        self.fields.append((name, 8 * len(groups), number))
        return number

    def deltas(self, name: str, first: int, count: int, w: int, lo: int) -> list[int]:
        k = self.take(f"{name} k", 4)
        if k == 15:
            return [first] * count
        before = len(self.text)
        values = [first]
        while len(values) < count:
            if self.text.startswith("1" * 20):
                self.cut(20)
                values.append(int(self.cut(w), 2) + lo)
                continue
            ones = re.match("1*0", self.text)
            if ones is None:
                raise Refused("too short")
            self.cut(ones.end())
            z = (ones.end() - 1) * 2**k + int(self.cut(k) or "0", 2)
            values.append(values[-1] + (z // 2 if z % 2 == 0 else -(z + 1) // 2))
        self.fields.append((f"{name} deltas", before - len(self.text), None))
        return values


def keys(node_key: bytes, info: bytes) -> tuple[bytes, bytes]:
    output = HKDF(SHA256(), 29, salt=None, info=info).derive(node_key)
    return output[:16], output[16:]


def decode(
    frame: bytes, node_key: bytes, *, down: bool, gateway_id: bytes = b"", store_id: bytes = b""
) -> Decoded:
    """Take `frame` apart as far as the body's bytes. Raises Refused."""
    bits = Bits(frame)
    version = bits.take("version", 2)
    found = Decoded(
        bits.take("type", 3), bits.take("flags", 3), bits.take("node", 16), bits.take("counter", 24)
    )
    if version != 1 or found.type > 3:
        raise Refused("version or type")
    header = frame[:6]
    if found.type == 2:
        header = frame[:18]
        gateway_id, store_id = frame[6:10], frame[10:18]
        bits.fields += [("gateway id", 32, None), ("store id", 64, None)]
    if found.type == 3:
        header, life = frame[:8], frame[6:8]
        bits.fields += [("life", 16, int.from_bytes(life, "big"))]
        if life != b"\0\0":
            whole = b"sensornett 1 life" + life
            node_key = HKDF(SHA256(), 16, salt=None, info=whole).derive(node_key)
    info = b"sensornett 1 down" + gateway_id + store_id if down else b"sensornett 1 up"
    key, iv = keys(node_key, info)
    folded = bytes(7) + frame[1:3] + bytes([down]) + frame[3:6]
    nonce = bytes(a ^ b for a, b in zip(iv, folded, strict=True))
    try:
        found.plain = AESCCM(key, tag_length=8).decrypt(nonce, frame[len(header) :], header)
    except (InvalidTag, ValueError) as error:
        raise Refused("tag") from error
    found.fields = bits.fields
    return found


def read_control(found: Decoded) -> Decoded:
    """Fill in the map of a CONTROL, WELCOME or JOIN."""
    found.control = cbor2.loads(found.plain)
    found.fields += [("body", 8 * len(found.plain), None), ("tag", 64, None)]
    return found


def read_data(found: Decoded, schemas: Mapping[int, tuple[int, ...]]) -> Decoded:
    """Fill in the reports of a DATA frame. Raises Refused."""
    known = quantities()
    bits = Bits(found.plain)
    found.schema, found.epoch = bits.take("schema", 8), bits.take("epoch", 8)
    sequence, time = bits.uvarint("sequence"), bits.take("time", 32)
    count, interval, times = 1, 0, [time]
    if found.flags & 2:
        found.clock = bits.take("clock", 8)
    if found.flags & 4:
        count, interval = bits.take("count", 8), bits.uvarint("interval")
        if count < 2 or interval > 16777215:
            raise Refused("count or interval")
        drift = bits.deltas("times", time, count, 33, -4294967296)
        times = [d + i * interval for i, d in enumerate(drift)]
    if sequence + count > 2**32 or not all(0 <= t < 2**32 for t in times):
        raise Refused("sequence or time")
    found.reports = [Report(sequence + i, t, [], []) for i, t in enumerate(times)]
    for number, quantity in enumerate(schemas[found.schema], 1):
        read_column(bits, str(number), known[quantity], found.reports)
    rest = len(bits.text)
    if rest > 7 or bits.take("fill", rest):
        raise Refused("something after the end")
    found.fields += [*bits.fields, ("tag", 64, None)]
    return found


def read_column(bits: Bits, name: str, quantity: tuple[int, int, int], reports: list[Report]) -> None:
    lo, hi, w = quantity
    quality = [0] * len(reports)
    before = len(bits.text)
    if bits.cut(1) == "1":
        quality = [int(bits.cut(4), 2) if bits.cut(1) == "1" else 0 for _ in reports]
    size = before - len(bits.text)
    bits.fields.append((f"{name} quality", size, 0 if size == 1 else None))
    count = sum(code not in (1, 2) for code in quality)
    values: list[int] = []
    if count:
        values = [bits.take(f"{name} first", w) + lo]
    if count > 1:
        values = bits.deltas(name, values[0], count, w, lo)
    if max(quality) > 9 or not all(lo <= value <= hi for value in values):
        raise Refused("quality or value")
    for report, code in zip(reports, quality, strict=True):
        report.quality.append(code)
        report.values.append(None if code in (1, 2) else values.pop(0))
