"""A million damaged frames of electricity meters, for the decoder that has to refuse them.

Every error of up to three bits and every burst of up to sixteen has to be refused: that is what a 16-bit
check promises. Of other damage it lets through about one in 65 536, and of that no value may come out that is
neither within what a building can have nor marked. Whatever came before, the second whole frame behind it is
understood.
"""

import contextlib
import json
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from drivers.han_hdlc import FrameReader
from drivers.han_lists import ListError, MeterList, decode
from hardware.virtual.meters import ADDRESSES, PERIODS_S, Make, Values, frame, hdlc
from tests.soak.tally import Tally
from wire.quantities import OK, OUT_OF_RANGE

MUTATIONS, ROUNDS = 1_000_000, 100
RESYNC_EVERY = 50
RECORDED = Path(__file__).parents[1] / "data/han_frames.json"
MOST = {"w": 2_000_000, "var": 2_000_000, "ma": 4_000_000, "dv": 5_000, "wh": 10**13, "varh": 10**13}
new_reader: Any = FrameReader  # the node's files are untyped


def run(tally: Tally) -> None:
    frames = [*recorded(), *made()]
    for name in ("mutations", "passed_the_check", "refused_as_a_list", "marked_out_of_range"):
        tally.add(name, 0)
    for seed in tally.rounds(ROUNDS):
        with tally.run(seed):
            damage(tally, frames, seed, MUTATIONS // ROUNDS)


def recorded() -> Iterator[bytes]:
    """What real meters said, in frames with their maker's addresses."""
    for name, payload in json.loads(RECORDED.read_text()).items():
        content = bytes.fromhex(payload)
        with contextlib.suppress(ListError):  # some of the recordings are of lists no node asks for
            decode(content)
            yield hdlc(content, ADDRESSES[name.partition(":")[0]])


def made() -> Iterator[bytes]:
    makes: tuple[Make, ...] = ("aidon", "kaifa", "kamstrup")
    values = Values(8_000, 0, 900, 0, (9_000, 8_000, 7_000), (2310, 2305, 2320), 123_456_780)
    for make in makes:
        for number in PERIODS_S[make]:
            yield frame(make, number, values, datetime(2026, 1, 15, 12, 0))  # type: ignore[arg-type]  # noqa: DTZ001


def damage(tally: Tally, frames: Sequence[bytes], seed: int, count: int) -> None:
    """Raises AssertionError that says which damage came through."""
    rng = random.Random(seed)
    whole = {one: new_reader().feed(one) for one in frames}
    assert all(len(payloads) == 1 for payloads in whole.values())
    for n in range(count):
        one = rng.choice(frames)
        kind = rng.choice((bits, burst, several_bytes, cut, doubled, resealed))
        bad = kind(rng, one)
        tally.add("mutations")
        if bad == one:
            continue
        reader = new_reader()
        payloads = reader.feed(bad)
        altered = [payload for payload in payloads if payload not in whole[one]]
        if kind in (bits, burst):
            assert not reader.frames, f"{kind.__name__} passed: {bad.hex()} of {one.hex()}"
        if altered:
            tally.add("passed_the_check")
            judge(tally, altered)
        if n % RESYNC_EVERY == 0:
            after = rng.choice(frames)
            reader.feed(after)  # a damaged length may swallow this one
            assert heard(reader, after)[-1:] == heard(new_reader(), after), f"deaf after {bad.hex()}"


def judge(tally: Tally, payloads: Sequence[bytes]) -> None:
    for payload in payloads:
        try:
            found = decode(payload)
        except ListError:
            tally.add("refused_as_a_list")
            continue
        for name, (value, quality) in found.values.items():
            if quality == OUT_OF_RANGE:
                tally.add("marked_out_of_range")
            else:
                assert quality == OK
                assert 0 <= value <= MOST[name.rpartition("_")[2]], f"{name} {value} in {payload.hex()}"


def heard(reader: FrameReader, content: bytes) -> list[MeterList]:
    return [decode(payload) for payload in reader.feed(content)]


# Kinds of damage


def flipped(content: bytes, places: Sequence[int]) -> bytes:
    """`content` with these bits (counted from the first byte's highest) turned over."""
    out = bytearray(content)
    for place in places:
        out[place // 8] ^= 0x80 >> place % 8
    return bytes(out)


def bits(rng: random.Random, content: bytes) -> bytes:
    """One to three bits between the flags: a flag that is hit is no frame at all."""
    inside = range(8, 8 * len(content) - 8)
    return flipped(content, rng.sample(inside, rng.randint(1, 3)))


def burst(rng: random.Random, content: bytes) -> bytes:
    """Bits that are at most sixteen apart, in the order in which they travel: lowest first in each byte."""
    size = rng.randint(1, 16)
    first = rng.randrange(8, 8 * len(content) - 8 - size)
    chosen = [first] + [at for at in range(first + 1, first + size) if rng.random() < 0.5]
    return flipped(content, [at // 8 * 8 + 7 - at % 8 for at in chosen])


def several_bytes(rng: random.Random, content: bytes) -> bytes:
    out = bytearray(content)
    for _ in range(rng.randint(2, 12)):
        out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def resealed(rng: random.Random, content: bytes) -> bytes:
    """Wrong content under a right check, as one damage in 65 536 would be."""
    (payload,) = new_reader().feed(content)
    header = content[3 : content.index(payload) - 2]  # addresses and control
    return hdlc(several_bytes(rng, payload), header)


def cut(rng: random.Random, content: bytes) -> bytes:
    """Bytes lost in the middle, as where a receive buffer ran over."""
    first = rng.randrange(len(content))
    return content[:first] + content[first + rng.randint(1, 40) :]


def doubled(rng: random.Random, content: bytes) -> bytes:
    """Bytes heard twice, or noise between."""
    first = rng.randrange(len(content))
    extra = content[first : first + 20] if rng.random() < 0.5 else rng.randbytes(rng.randint(1, 20))
    return content[:first] + extra + content[first:]
