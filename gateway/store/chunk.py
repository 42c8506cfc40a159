"""A chunk: records of one node, one epoch and one schema as compressed columns. Pure.

Everything of a record is kept exactly, but for its time of receipt, which is kept to the second. Records
stand in the order of their sequence, which is that of time: then most differences are small or nothing.
"""

import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import zstandard

from gateway.model import Heard, StoredRecord
from gateway.store.columns import Malformed, pack, skip, unpack
from gateway.store.stretch import Stretch

_VERSION, _WITH_RECEIVERS = 1, 2
_LEVEL = 9
_PLAIN_MOST = 64 << 20  # bytes of an open chunk: a damaged header must not ask for all memory
# snr: no value at all, twentieths of a dB (radios report quarters or fifths), or any floating-point number
_NO_SNR, _TWENTIETHS, _DOUBLES = 0, 1, 2

Column = Sequence[int]
Gappy = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the store keeps beside the compressed `body`; first_s and last_s are times of measurement."""

    node: int
    epoch: int
    schema_id: int
    count: int
    first_s: int
    last_s: int
    body: bytes


class Columns:
    """The opened columns of a chunk: three of them at once, the others when they are asked for.

    The body's checksum has been compared by then: what opens is what was sealed.
    """

    __slots__ = ("_at", "_chunk", "_make", "_measured", "_plain", "commits", "seconds", "seqs")

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._make: Callable[[int], StoredRecord] | None = None
        self._measured: tuple[list[Gappy], list[Column]] | None = None
        self._plain = _decompress(chunk.body)
        self._at = 1
        self.seconds, self.seqs, self.commits = (self._next() for _ in range(3))

    def _next(self) -> Column:
        try:
            column, self._at = unpack(self._plain, self._at, self._chunk.count)
            return array("q", column)
        except (OverflowError, ValueError) as error:
            raise Malformed(f"node {self._chunk.node}: a chunk is damaged") from error

    def record(self, i: int) -> StoredRecord:
        if self._make is None:
            self._make = _record_maker(self._chunk, self, self._plain, self._at)
        return self._make(i)

    def stretch(self) -> Stretch:
        """Return all records as columns, without opening how each one was received."""
        if self._measured is None:
            self._measured = _open_measured(self._plain, self._at, self._chunk.count)
        c, (values, quality) = self._chunk, self._measured
        return Stretch(
            c.node, c.epoch, c.schema_id, self.commits, self.seqs, self.seconds, values, quality, self.record
        )


def seconds_of(chunk: Chunk) -> Column:
    """Return the times of measurement alone, which is cheaper than all columns."""
    return unpack(_decompress(chunk.body), 1, chunk.count)[0]


def make_chunk(records: Sequence[StoredRecord]) -> Chunk:
    """Return the chunk of `records`, all of one node, epoch and schema. OverflowError beyond 64 bits."""
    records = sorted(records, key=lambda r: r.seq)
    head = records[0]
    seconds = [r.measured_at_s for r in records]
    carriers = sorted({r.carrier for r in records})
    names = "\n".join(carriers).encode()
    qualities = list(zip(*(r.quality for r in records), strict=True))
    parts = [
        bytes([_WITH_RECEIVERS if any(r.receivers for r in records) else _VERSION]),
        pack(seconds),
        pack([r.seq for r in records]),
        pack([r.commit for r in records]),
        pack([r.time_error_ms for r in records]),
        pack([r.received_at_ms // 1000 - r.measured_at_s for r in records]),
        struct.pack("<HH", len(names), len(head.values)),
        names,
        pack([carriers.index(r.carrier) for r in records]),
        pack([r.moved for r in records]),
        _pack_gappy([r.rssi_dbm for r in records]),
        _pack_snr([r.snr_db for r in records]),
        *(_pack_gappy(column) for column in zip(*(r.values for r in records), strict=True)),
        *(pack(column) for column in qualities),
        *_pack_receivers(records),
    ]
    body = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(b"".join(parts))
    return Chunk(head.node, head.epoch, head.schema_id, len(records), min(seconds), max(seconds), body)


def _record_maker(chunk: Chunk, columns: Columns, plain: bytes, at: int) -> Callable[[int], StoredRecord]:
    count = chunk.count
    errors, at = unpack(plain, at, count)
    delays, at = unpack(plain, at, count)
    length, channels = struct.unpack_from("<HH", plain, at)
    at += 4
    carriers = plain[at : at + length].decode().split("\n")
    which, at = unpack(plain, at + length, count)
    moved, at = unpack(plain, at, count)
    rssi, at = _unpack_gappy(plain, at, count)
    snr, at = _unpack_snr(plain, at, count)
    values, qualities, at = _unpack_measured(plain, at, count, channels)
    receivers = _unpack_receivers(plain, at, count) if plain[0] == _WITH_RECEIVERS else [()] * count
    rows = list(zip(*values, strict=True)) if channels else [()] * count
    marked = list(zip(*qualities, strict=True)) if channels else [()] * count
    commits, seconds, seqs = columns.commits, columns.seconds, columns.seqs
    node, epoch, schema_id = chunk.node, chunk.epoch, chunk.schema_id

    def make(i: int) -> StoredRecord:
        second = seconds[i]
        return StoredRecord(
            commits[i],
            node,
            epoch,
            seqs[i],
            second,
            errors[i],
            (second + delays[i]) * 1000,
            schema_id,
            rows[i],
            marked[i],
            carriers[which[i]],
            rssi[i],
            snr[i],
            bool(moved[i]),
            receivers[i],
        )

    return make


def _open_measured(plain: bytes, at: int, count: int) -> tuple[list[Gappy], list[Column]]:
    """Return the values and qualities of each channel; `at` is where the columns of times end."""
    at = skip(plain, skip(plain, at, count), count)
    length, channels = struct.unpack_from("<HH", plain, at)
    at = skip(plain, skip(plain, at + 4 + length, count), count)
    at = _skip_gappy(plain, at, count)
    at = at + 1 if plain[at] == _NO_SNR else _skip_gappy(plain, at + 1, count)
    values, qualities, _ = _unpack_measured(plain, at, count, channels)
    return values, qualities


def _unpack_measured(
    plain: bytes, at: int, count: int, channels: int
) -> tuple[list[Gappy], list[Column], int]:
    values: list[Gappy] = []
    for _ in range(channels):
        column, at = _unpack_gappy(plain, at, count)
        values.append(column)
    qualities: list[Column] = []
    for _ in range(channels):
        marks, at = unpack(plain, at, count)
        qualities.append(marks)
    return values, qualities, at


def _decompress(body: bytes) -> bytes:
    try:
        if zstandard.get_frame_parameters(body).content_size > _PLAIN_MOST:
            raise Malformed("a sealed chunk says it is larger than any can be")
        plain = zstandard.ZstdDecompressor().decompress(body)
    except zstandard.ZstdError as error:
        raise Malformed(f"a sealed chunk does not open: {error}") from error
    if not plain or plain[0] not in (_VERSION, _WITH_RECEIVERS):
        raise Malformed(f"a sealed chunk has version {plain[:1].hex()}, this gateway knows {_WITH_RECEIVERS}")
    return plain


def _pack_gappy(values: Gappy) -> bytes:
    """A mark for each value only where some are missing; a missing one repeats the one before."""
    if None not in values:
        return b"\0" + pack(values)  # type: ignore[arg-type]
    last = next((v for v in values if v is not None), 0)
    filled = []
    for value in values:
        last = last if value is None else value
        filled.append(last)
    return b"\1" + pack([v is not None for v in values]) + pack(filled)


def _unpack_gappy(plain: bytes, at: int, count: int) -> tuple[Gappy, int]:
    if plain[at] == 0:
        return unpack(plain, at + 1, count)
    there, at = unpack(plain, at + 1, count)
    filled, at = unpack(plain, at, count)
    return [value if present else None for value, present in zip(filled, there, strict=True)], at


def _skip_gappy(plain: bytes, at: int, count: int) -> int:
    end = skip(plain, at + 1, count)
    return end if plain[at] == 0 else skip(plain, end, count)


def _pack_snr(values: Sequence[float | None]) -> bytes:
    present = [v for v in values if v is not None]
    if not present:
        return bytes([_NO_SNR])
    if all(abs(v) < 1e6 and round(v * 20) / 20 == v for v in present):
        return bytes([_TWENTIETHS]) + _pack_gappy([None if v is None else round(v * 20) for v in values])
    bits = [None if v is None else struct.unpack("<q", struct.pack("<d", v))[0] for v in values]
    return bytes([_DOUBLES]) + _pack_gappy(bits)


def _unpack_snr(plain: bytes, at: int, count: int) -> tuple[Sequence[float | None], int]:
    kind = plain[at]
    if kind == _NO_SNR:
        return [None] * count, at + 1
    numbers, at = _unpack_gappy(plain, at + 1, count)
    if kind == _TWENTIETHS:
        return [None if n is None else n / 20 for n in numbers], at
    return [None if n is None else struct.unpack("<d", struct.pack("<q", n))[0] for n in numbers], at


def _pack_receivers(records: Sequence[StoredRecord]) -> Iterator[bytes]:
    """Yield the columns of each receiver that heard any of `records`; nothing where none did by radio."""
    names = sorted({heard.receiver for record in records for heard in record.receivers})
    if not names:
        return
    packed = "\n".join(names).encode()
    yield struct.pack("<H", len(packed)) + packed
    for name in names:
        heard = [next((h for h in r.receivers if h.receiver == name), None) for r in records]
        yield _pack_gappy([h.spreading_factor if h else None for h in heard])
        yield _pack_gappy([h.rssi_dbm if h else None for h in heard])
        yield _pack_snr([h.snr_db if h else None for h in heard])
    # In which order: nearly always the same few, and mostly what the levels say anyway.
    orders = sorted({tuple(names.index(h.receiver) for h in r.receivers) for r in records})
    text = "\n".join(" ".join(map(str, order)) for order in orders).encode()
    yield struct.pack("<I", len(text)) + text
    yield pack([orders.index(tuple(names.index(h.receiver) for h in r.receivers)) for r in records])


def _unpack_receivers(plain: bytes, at: int, count: int) -> list[tuple[Heard, ...]]:
    (size,) = struct.unpack_from("<H", plain, at)
    names = plain[at + 2 : at + 2 + size].decode().split("\n")
    at += 2 + size
    columns: list[tuple[Gappy, Gappy, Sequence[float | None]]] = []
    for _ in names:
        factors, at = _unpack_gappy(plain, at, count)
        levels, at = _unpack_gappy(plain, at, count)
        ratios, at = _unpack_snr(plain, at, count)
        columns.append((factors, levels, ratios))
    (size,) = struct.unpack_from("<I", plain, at)
    orders = [tuple(map(int, line.split())) for line in plain[at + 4 : at + 4 + size].decode().split("\n")]
    chosen, _ = unpack(plain, at + 4 + size, count)

    def heard(who: int, i: int) -> Heard:
        factor, level, ratio = (column[i] for column in columns[who])
        assert isinstance(factor, int)
        assert isinstance(level, int)
        assert ratio is not None
        return Heard(names[who], level, ratio, factor)

    return [tuple(heard(who, i) for who in orders[chosen[i]]) for i in range(count)]
