"""Data bodies: records of one node, column by column, as a node writes them. SPEC.md section 4.

A schema is a tuple of quantity ids, one for each channel. The first value of a column is written in
the fixed width of its quantity, the others as Rice-coded differences; quality is written only where
it is not ok. Each frame decodes alone: records.py, which a node does without.
"""

from collections import namedtuple

from wire.bits import BitWriter, rice_parameter, zigzag
from wire.frame import MANY, RELATIVE, FrameError
from wire.quantities import ESTIMATED, FAULT, MISSING, OK, QUANTITIES

TYPE_CHECKING = False

COUNT_MAX = 255
INTERVAL_MAX = 0xFFFFFF
TIME_BITS = 32
CONSTANT = 15  # in place of a Rice parameter: every value of the column equals the first

if TYPE_CHECKING:
    from typing import NamedTuple

    class Record(NamedTuple):
        seq: int
        time: int
        values: "tuple[int | None, ...]"
        quality: "tuple[int, ...]"

else:
    # One sampling: its sequence in the epoch, seconds, a value and a quality code for each channel.
    Record = namedtuple("Record", ("seq", "time", "values", "quality"))


def put_uvarint(out: bytearray, n: int) -> None:
    """Append `n` seven bits at a time, least significant first."""
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)


def take_uvarint(source: bytes, at: int, size_max: int = 5) -> "tuple[int, int]":
    """Return (value, position after it). Raises FrameError; at most `size_max` bytes are read."""
    n = shift = 0
    while shift < 7 * size_max:
        if at >= len(source):
            raise FrameError("data body ends too early")
        byte = source[at]
        at += 1
        n |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise FrameError("number is not in shortest form")
            return n, at
        shift += 7
    raise FrameError("number is longer than %d bytes" % size_max)


def _put_deltas(bits: BitWriter, values: "list[int]", width: int, lo: int) -> None:
    """Append all but the first of `values`, each against the one before it."""
    deltas = [zigzag(values[i] - values[i - 1]) for i in range(1, len(values))]
    if not any(deltas):
        bits.put(CONSTANT, 4)
        return
    k = rice_parameter(deltas, width)
    bits.put(k, 4)
    for i, z in enumerate(deltas):
        if not bits.put_rice(z, k):
            bits.put(values[i + 1] - lo, width)


def _put_column(bits: BitWriter, quantity: int, values: "list[int | None]", quality: "list[int]") -> None:
    q = QUANTITIES[quantity]
    if any(quality):
        bits.put(1, 1)
        for code in quality:
            if code == OK:
                bits.put(0, 1)
            else:
                bits.put(16 | code, 5)
    else:
        bits.put(0, 1)
    present = []
    for value, code in zip(values, quality):
        if not OK <= code <= ESTIMATED:
            raise ValueError("%s: there is no quality %r" % (q.name, code))
        if (value is None) != (code in (MISSING, FAULT)):
            raise ValueError("%s: value %r does not go with quality %d" % (q.name, value, code))
        if value is not None:
            if not q.lo <= value <= q.hi:
                raise ValueError("%s: %d is outside %d..%d" % (q.name, value, q.lo, q.hi))
            present.append(value)
    if present:
        bits.put(present[0] - q.lo, q.width)
    if len(present) > 1:
        _put_deltas(bits, present, q.width, q.lo)


def encode(
    schema: int,
    quantities: "tuple[int, ...]",
    epoch: int,
    clock: "int | None",
    records: "list[Record]",
) -> "tuple[int, bytes]":
    """Return (flags for the header, body) of `records`, whose sequences must follow one another.

    Raises ValueError for records the format can not carry: values outside their quantity's range,
    times outside 32 bits, a gap in the sequence, more than COUNT_MAX records.
    """
    count = len(records)
    if not 0 < count <= COUNT_MAX:
        raise ValueError("a frame carries 1 to %d records, not %d" % (COUNT_MAX, count))
    # MicroPython would cut these to a byte without a word.
    if not 0 <= schema <= 0xFF or not (clock is None or 0 <= clock <= 0xFF):
        raise ValueError("schema %r or clock %r does not fit a byte" % (schema, clock))
    times = []
    for i, record in enumerate(records):
        if not 0 <= record.seq < 1 << 32:
            raise ValueError("sequence %d does not fit 32 bits" % record.seq)
        if record.seq != records[0].seq + i:
            raise ValueError("record %d is not the one after %d" % (record.seq, records[0].seq + i - 1))
        if len(record.values) != len(quantities) or len(record.quality) != len(quantities):
            raise ValueError(
                "record %d has %d values and %d quality codes for %d channels"
                % (record.seq, len(record.values), len(record.quality), len(quantities))
            )
        if not 0 <= record.time < 1 << TIME_BITS:
            raise ValueError("time %d does not fit %d bits" % (record.time, TIME_BITS))
        times.append(record.time)
    flags = interval = 0
    out = bytearray((schema, epoch & 0xFF))
    put_uvarint(out, records[0].seq)
    out += times[0].to_bytes(4, "big")
    if clock is not None:
        flags |= RELATIVE
        out.append(clock)
    if count > 1:
        flags |= MANY
        if 0 <= times[1] - times[0] <= INTERVAL_MAX:
            interval = times[1] - times[0]
        out.append(count)
        put_uvarint(out, interval)
    bits = BitWriter(out)
    if count > 1:
        drift = [time - interval * i for i, time in enumerate(times)]
        _put_deltas(bits, drift, TIME_BITS + 1, -(1 << TIME_BITS))
    for i, quantity in enumerate(quantities):
        _put_column(bits, quantity, [r.values[i] for r in records], [r.quality[i] for r in records])
    bits.close()
    return flags, bytes(out)


def encode_most(
    schema: int,
    quantities: "tuple[int, ...]",
    epoch: int,
    clock: "int | None",
    records: "list[Record]",
    size: int,
) -> "tuple[int, bytes, int]":
    """Return (flags, body, n): the first `n` of `records`, as many as fit a body of `size` bytes.

    Raises ValueError where not even one fits.
    """
    found = None
    fits, fails = 0, min(len(records), COUNT_MAX) + 1
    n = fails - 1
    while fails - fits > 1:
        flags, body = encode(schema, quantities, epoch, clock, records[:n])
        if len(body) <= size:
            found, fits = (flags, body, n), n
        else:
            fails = n
        n = min(max(n * size // len(body), fits + 1), fails - 1)  # bodies grow with n, and nearly in line
    if found is None:
        raise ValueError("one record does not fit a body of %d bytes" % size)
    return found
