"""Data bodies as a gateway reads them; encoding.py says what they are, and what else there is of them."""

from collections import namedtuple

from wire.bits import RICE_LIMIT, unzigzag
from wire.encoding import CONSTANT as CONSTANT
from wire.encoding import COUNT_MAX as COUNT_MAX
from wire.encoding import INTERVAL_MAX as INTERVAL_MAX
from wire.encoding import TIME_BITS as TIME_BITS
from wire.encoding import Record as Record
from wire.encoding import encode as encode
from wire.encoding import encode_most as encode_most
from wire.encoding import put_uvarint as put_uvarint
from wire.encoding import take_uvarint as take_uvarint
from wire.frame import MANY, RELATIVE, FrameError
from wire.quantities import ESTIMATED, FAULT, MISSING, OK, QUANTITIES

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NamedTuple

    class Batch(NamedTuple):
        schema: int
        epoch: int
        clock: "int | None"
        records: "list[Record]"

else:
    # `epoch` is the short form. `clock` None: times are UTC (Unix seconds); else the id of the node's
    # own clock, whose seconds they are.
    Batch = namedtuple("Batch", ("schema", "epoch", "clock", "records"))


class BitReader:
    """Reads `source` from byte `at` on, as one long integer: this runs on gateways."""

    def __init__(self, source: bytes, at: int) -> None:
        self.stream = int.from_bytes(source[at:], "big")
        self.left = 8 * (len(source) - at)

    def take(self, width: int) -> int:
        """Return the next `width` bits. Raises FrameError at the end of the stream."""
        left = self.left - width
        if left < 0:
            raise FrameError("data body ends too early")
        self.left = left
        return self.stream >> left & (1 << width) - 1

    def take_rice(self, k: int) -> int:
        """Return the next value with Rice parameter `k`, or -1 where it follows in full."""
        stream, left = self.stream, self.left
        ones = 0
        while left > 0:
            left -= 1
            if not stream >> left & 1:
                break
            ones += 1
            if ones == RICE_LIMIT:
                self.left = left
                return -1
        else:
            raise FrameError("data body ends too early")
        self.left = left
        return ones << k | self.take(k)

    def close(self) -> None:
        """Raise FrameError unless what is left is the zero fill of the last byte."""
        if self.left >= 8 or self.take(self.left):
            raise FrameError("data body has something after its end")


def _take_deltas(bits: BitReader, first: int, count: int, width: int, lo: int, hi: int) -> "list[int]":
    """Return the `count` values of which `first` is the first."""
    values = [first]
    k = bits.take(4)
    if k == CONSTANT:
        return values * count
    for _ in range(count - 1):
        z = bits.take_rice(k)
        value = bits.take(width) + lo if z < 0 else values[-1] + unzigzag(z)
        if not lo <= value <= hi:
            raise FrameError("value %d outside %d..%d" % (value, lo, hi))
        values.append(value)
    return values


def _take_column(bits: BitReader, quantity: int, count: int) -> "tuple[list[int | None], list[int]]":
    q = QUANTITIES[quantity]
    if not bits.take(1):
        quality = [OK] * count
        present = count
    else:
        quality = []
        present = 0
        for _ in range(count):
            code = bits.take(4) if bits.take(1) else OK
            if code > ESTIMATED:
                raise FrameError("unknown quality code %d" % code)
            quality.append(code)
            present += code not in (MISSING, FAULT)
    found: "list[int]" = []
    if present:
        first = bits.take(q.width) + q.lo
        if first > q.hi:
            raise FrameError("value %d outside %d..%d" % (first, q.lo, q.hi))
        found = [first] if present == 1 else _take_deltas(bits, first, present, q.width, q.lo, q.hi)
    if present == count:
        return list(found), quality
    rest = iter(found)
    return [None if code in (MISSING, FAULT) else next(rest) for code in quality], quality


def _take_report(bits: BitReader, quantities: "tuple[int, ...]") -> "tuple[int, ...] | None":
    """Return the values of a single record whose quality is ok throughout, which most bodies are.

    None, with nothing taken, where it is anything else.
    """
    stream, left = bits.stream, bits.left
    values = []
    for quantity in quantities:
        q = QUANTITIES[quantity]
        left -= q.width + 1
        if left < 0:
            return None
        value = (stream >> left & (2 << q.width) - 1) + q.lo  # the quality bit in front is 0 where it is ok
        if value > q.hi:
            return None
        values.append(value)
    bits.left = left
    return tuple(values)


def decode(flags: int, body: bytes, schemas: "dict[int, tuple[int, ...]]") -> Batch:
    """Return the batch in `body`. `schemas` has the quantity ids of each schema id.

    Raises UnknownSchema for a schema this side has not heard of, FrameError for anything malformed.
    """
    if len(body) < 2:
        raise FrameError("data body ends too early")
    quantities = schemas.get(body[0])
    if quantities is None:
        raise UnknownSchema("unknown schema %d" % body[0])
    epoch = body[1]
    seq, at = take_uvarint(body, 2)
    if at + 4 > len(body):
        raise FrameError("data body ends too early")
    first = int.from_bytes(body[at : at + 4], "big")
    at += 4
    clock = None
    count = 1
    interval = 0
    if flags & RELATIVE:
        if at >= len(body):
            raise FrameError("data body ends too early")
        clock = body[at]
        at += 1
    if flags & MANY:
        if at >= len(body):
            raise FrameError("data body ends too early")
        count = body[at]
        interval, at = take_uvarint(body, at + 1)
        if count < 2 or interval > INTERVAL_MAX:
            raise FrameError("count %d or interval %d is not what an encoder writes" % (count, interval))
    if seq + count > 1 << 32:
        raise FrameError("sequence %d does not fit 32 bits" % seq)
    bits = BitReader(body, at)
    if count == 1:
        values = _take_report(bits, quantities)
        if values is not None:
            bits.close()
            return Batch(body[0], epoch, clock, [Record(seq, first, values, (OK,) * len(values))])
    times = [first]
    if count > 1:
        lo, hi = -(1 << TIME_BITS), (1 << TIME_BITS) - 1
        drift = _take_deltas(bits, first, count, TIME_BITS + 1, lo, hi)
        times = [drift[i] + interval * i for i in range(count)]
        for time in times:
            if not 0 <= time <= hi:
                raise FrameError("time %d does not fit %d bits" % (time, TIME_BITS))
    columns = [_take_column(bits, quantity, count) for quantity in quantities]
    bits.close()
    return Batch(
        body[0],
        epoch,
        clock,
        [
            Record(seq + i, times[i], tuple([c[0][i] for c in columns]), tuple([c[1][i] for c in columns]))
            for i in range(count)
        ],
    )


class UnknownSchema(FrameError):
    """The body names a schema this side does not have: a newer node, or another municipality's."""
