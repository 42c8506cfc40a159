"""Random records for the codec tests: every quantity, quality and clock, noise, drifts and jumps."""

from hypothesis import strategies as st

from wire.quantities import ESTIMATED, FAULT, MISSING, OK, QUANTITIES
from wire.records import COUNT_MAX, INTERVAL_MAX, Record

U32 = 1 << 32

schemas = st.lists(st.sampled_from(sorted(QUANTITIES)), min_size=1, max_size=8).map(tuple)
clocks = st.none() | st.integers(0, 255)
epochs = st.integers(0, U32 - 1)
counts = st.integers(1, 12) | st.sampled_from((1, 2, COUNT_MAX))
_codes = st.sampled_from((OK,) * 12 + tuple(range(ESTIMATED + 1)))
_steps = st.integers(-3, 3) | st.integers(-300, 300) | st.integers(-(1 << 41), 1 << 41)
_gaps = st.sampled_from(
    (600,) * 8 + (0, 1, 599, 601, 3600, -5, INTERVAL_MAX, INTERVAL_MAX + 1)
) | st.integers(-U32, U32)


def _walk(start: int, steps: list[int], lo: int, hi: int) -> list[int]:
    values = [start]
    for step in steps:
        values.append(min(max(values[-1] + step, lo), hi))
    return values


@st.composite
def columns(draw: st.DrawFn, quantity: int, count: int) -> tuple[list[int | None], list[int]]:
    """Values and quality codes of one channel."""
    q = QUANTITIES[quantity]
    quality = [OK] * count
    if draw(st.booleans()):
        quality = draw(st.lists(_codes, min_size=count, max_size=count))
    steps = [0] * (count - 1)
    if draw(st.booleans()):
        steps = draw(st.lists(_steps, min_size=count - 1, max_size=count - 1))
    values = _walk(draw(st.integers(q.lo, q.hi)), steps, q.lo, q.hi)
    return [None if c in (MISSING, FAULT) else v for v, c in zip(values, quality, strict=True)], quality


@st.composite
def record_lists(draw: st.DrawFn, quantities: tuple[int, ...]) -> list[Record]:
    """Records of the channels `quantities` whose sequences follow one another."""
    count = draw(counts)
    seq = draw(st.integers(0, U32 - count))
    gaps = [600] * (count - 1)
    if draw(st.booleans()):
        gaps = draw(st.lists(_gaps, min_size=count - 1, max_size=count - 1))
    times = _walk(draw(st.integers(0, U32 - 1)), gaps, 0, U32 - 1)
    cells = [draw(columns(quantity, count)) for quantity in quantities]
    return [
        Record(seq + i, times[i], tuple(c[0][i] for c in cells), tuple(c[1][i] for c in cells))
        for i in range(count)
    ]


@st.composite
def batches(draw: st.DrawFn) -> tuple[tuple[int, ...], list[Record]]:
    """(quantity ids, records)."""
    quantities = draw(schemas)
    return quantities, draw(record_lists(quantities))


@st.composite
def mutations(draw: st.DrawFn, source: bytes) -> bytes:
    """`source` with bits flipped, bytes put in or cut out; it may come out as it went in."""
    changed = bytearray(source)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        kind = draw(st.sampled_from(("flip", "flip", "put", "cut", "end")))
        if kind == "put":
            changed[at:at] = draw(st.binary(min_size=1, max_size=3))
        elif kind == "cut":
            del changed[at : at + draw(st.integers(1, 3))]
        elif kind == "end":
            del changed[at:]
        elif at < len(changed):
            changed[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(changed)
