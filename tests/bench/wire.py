"""How many bytes a record takes, beside other encodings and the entropy of what was measured.

**The bound.** For each channel the empirical entropy (Shannon, order 0) of the differences of neighbouring
values, over the whole recording: no code that writes each difference by itself, not even one that was told
these very statistics beforehand, gets below it on average. Times the values of a window (24 of each channel,
the first included as if it were one more difference), summed over the channels. Beside it stands the
envelope, what the sealed frame says besides values: header 6, tag 8, schema 1, epoch 1, sequence 3, time 4,
count 1, interval 2. Neither is given anything for quality, for first values or for the drift of the clock.

**The others** carry the same values; JSON and CBOR also sequence and time, but neither quality nor a seal, so
that the comparison favours them. Cayenne LPP: a byte for the channel, a byte for the type and two bytes of
data for each of its analogue inputs and temperatures (Cayenne LPP 2.0, "Data Types"; a tenth of a degree,
where the node has a hundredth), one packet for each record: it has no time. LoRaWAN 1.0.4 adds 13 bytes:
MHDR 1, FHDR 7, FPort 1, MIC 4.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

import cbor2

from tests.bench.figures import Figure, at_least, at_most
from tests.bench.gauge import CHANNELS, QUANTITIES, SCHEMA, gauge_records
from wire.frame import ACK_REQUESTED, DATA, HEADER_SIZE, TAG_SIZE, pack_header
from wire.records import Record, decode, encode
from wire.seal import uplink_cipher

NODE = 11
EPOCH = 0x2A
ROWS = 24  # of one window: two hours at five minutes
LORA_MAX = 222  # bytes of one packet at SF7 and SF8
ENVELOPE = HEADER_SIZE + TAG_SIZE + 1 + 1 + 3 + 4 + 1 + 2
LPP_CHANNEL = 1 + 1 + 2
LORAWAN = 1 + 7 + 1 + 4

Rows = Sequence[Record]


def run() -> list[Figure]:
    return measure(gauge_records())


def measure(records: Rows) -> list[Figure]:
    """Measure `records`: each by itself, and each window of ROWS that starts at every row."""
    reports = [sealed_bytes([record]) for record in records]
    windows = [records[i : i + ROWS] for i in range(len(records) - ROWS + 1)]
    frames = [sealed_bytes(window) for window in windows]
    mean = fmean(frames)
    bound = bound_bytes(records)
    apart = windows[::ROWS]
    readings = ROWS * len(CHANNELS)
    sealed_mean = fmean(frames[::ROWS])

    def other(name: str, sizes: list[int], what: str) -> Figure:
        against = f"{what}; {fmean(sizes) / sealed_mean:.1f} times the sealed frame of the same windows"
        return Figure(f"{name}_24x6_bytes_per_reading", fmean(sizes) / readings, "B", None, against)

    json_one = fmean(len(json_bytes([r])) for r in records)
    cbor_one = fmean(len(cbor_bytes([r])) for r in records)
    lpp = lpp_bytes(1)
    return [
        Figure(
            "report_6ch_bytes",
            max(reports),
            "B",
            at_most(38),
            f"the longest; mean {fmean(reports):.2f}, JSON {json_one:.0f}, CBOR row {cbor_one:.0f}, "
            f"LoRaWAN + Cayenne LPP {lpp} without time, sequence and quality",
        ),
        Figure("backfill_24x6_bytes_mean", mean, "B", None, f"bound {bound:.1f} + envelope {ENVELOPE}"),
        Figure(
            "backfill_over_bound",
            mean / (bound + ENVELOPE),
            "",
            at_most(1.5),
            f"entropy of the differences and envelope: {bound + ENVELOPE:.1f} B",
        ),
        Figure(
            "backfill_two_frames_share",
            sum(size > LORA_MAX for size in frames) / len(frames),
            "",
            at_most(0.01),
            f"all {len(frames)} windows, {LORA_MAX} B a frame; the longest {max(frames)} B",
        ),
        Figure("decoded_share", decoded_share(apart), "", at_least(1), "windows that come back as they were"),
        Figure("sealed_24x6_bytes_per_reading", sealed_mean / readings, "B", None, "with seal and quality"),
        Figure(
            "bound_24x6_bytes_per_reading", bound / readings, "B", None, "entropy of the differences alone"
        ),
        other("json", [len(json_bytes(w)) for w in apart], "an object a record, not sealed"),
        other("cbor", [len(cbor_bytes(w)) for w in apart], "rows, not sealed"),
        other("lpp", [lpp_bytes(len(w)) for w in apart], "LoRaWAN + Cayenne LPP, a packet a record"),
    ]


_cipher = uplink_cipher(bytes(range(16)))


def sealed_bytes(rows: Rows) -> int:
    """Return the size of the frame that carries `rows`."""
    flags, body = encode(SCHEMA, QUANTITIES, EPOCH, None, list(rows))
    return len(_cipher.seal(pack_header(DATA, flags | ACK_REQUESTED, NODE, rows[0].seq), body))


def decoded_share(windows: Sequence[Rows]) -> float:
    """Return how many of `windows` are decoded to what was encoded."""
    same = 0
    for window in windows:
        flags, body = encode(SCHEMA, QUANTITIES, EPOCH, None, list(window))
        same += decode(flags, body, {SCHEMA: QUANTITIES}).records == list(window)
    return same / len(windows)


def bound_bytes(records: Rows) -> float:
    """Return what the values of one window take at least, see above."""
    bits = 0.0
    for channel in range(len(CHANNELS)):
        values = [value for record in records if (value := record.values[channel]) is not None]
        bits += ROWS * entropy_bits([b - a for a, b in pairwise(values)])
    return bits / 8


def entropy_bits(symbols: Sequence[int]) -> float:
    """Return the empirical entropy of `symbols`, in bits each."""
    total = len(symbols)
    return -sum(n / total * math.log2(n / total) for n in Counter(symbols).values())


def json_bytes(rows: Rows) -> bytes:
    """Return an array of one compact object for each record; a single record is the object alone."""
    objects = [
        {"node": NODE, "seq": r.seq, "time": r.time, **dict(zip(CHANNELS, r.values, strict=True))}
        for r in rows
    ]
    return json.dumps(objects if len(rows) > 1 else objects[0], separators=(",", ":")).encode()


def cbor_bytes(rows: Rows) -> bytes:
    """Return the node, then a row of sequence, time and values for each record."""
    return cbor2.dumps([NODE, *([r.seq, r.time, *r.values] for r in rows)])


def lpp_bytes(records: int) -> int:
    """Return the bytes of `records` packets of LoRaWAN with Cayenne LPP."""
    return records * (LORAWAN + len(CHANNELS) * LPP_CHANNEL)
