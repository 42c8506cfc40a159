"""HDLC framing: what is let through, what is refused, and that a good frame behind noise is never lost.

Frames come from hardware.virtual.meters, which knows nothing of the node's decoder, and from recordings.
"""

import json
import random
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.han_hdlc import FrameReader, crc16
from hardware.virtual import meters

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "han_frames.json").read_text())
CLOCK = datetime(2025, 1, 31, 23, 59, 50)
VALUES = meters.Values(5120, 0, 130, 17, (9100, 7300, 12600), (2301, 2299, 2318), 123456780, 0, 4560, 7890)
# Each make's longest and shortest list, so a frame with 7E inside is among them.
FRAMES = [meters.frame(make, number, VALUES, CLOCK) for make in meters.PERIODS_S for number in (1, 3)]


def feed(vectors):
    from binascii import hexlify, unhexlify

    from drivers.han_hdlc import FrameReader

    results = []
    for size, pieces in vectors:
        reader = FrameReader(size)
        found = []
        for piece in pieces:
            found += [hexlify(payload).decode() for payload in reader.feed(unhexlify(piece))]
        results.append([found, reader.frames, reader.refused])
    return results


def received(*pieces, size=1024):
    reader = FrameReader(size)
    return [payload for piece in pieces for payload in reader.feed(piece)]


def content(frame):
    (payload,) = received(frame)
    return payload


def test_golden_crc():
    assert crc16(b"123456789", 0, 9) == 0x906E
    assert meters.check(b"123456789") == bytes.fromhex("6e90")


def test_recorded_frames(on_both):
    frames = {name: "7e" + text + "7e" for name, text in RECORDED.items() if name.startswith("hdlc:")}
    assert len(frames) == 3
    results = on_both(feed, [[1024, [frame]] for frame in frames.values()])
    assert dict(zip(frames, results, strict=True)) == {
        "hdlc:FRAME_EMPTY_INFO": [[], 1, 0],
        "hdlc:FRAME_SHORT_INFO": [["0201"], 1, 0],
        "hdlc:FRAME_WITH_FLAG_SEQUENCE_CHARACTER_IN_INFO": [
            ["e6e7000f40000000090c07e4020f06011922ff8000000201060000157e"], 1, 0
        ],
    }  # fmt: skip


def test_recorded_payloads_in_built_frames(on_both):
    payloads = {name: text for name, text in RECORDED.items() if not name.startswith("hdlc:")}
    frames = [
        meters.hdlc(bytes.fromhex(text), meters.ADDRESSES[name.split(":")[0]])
        for name, text in payloads.items()
    ]
    assert len(frames) == 8
    results = on_both(feed, [[1024, [frame.hex()]] for frame in frames])
    assert results == [[[text], 1, 0] for text in payloads.values()]


@pytest.mark.parametrize("size", [1, 2, 7, 100, 5000])
def test_pieces_of_any_size_with_one_flag_or_two_between(on_both, size):
    for line in (b"".join(FRAMES), meters.joined(FRAMES)):
        pieces = [line[i : i + size].hex() for i in range(0, len(line), size)]
        assert on_both(feed, [[1024, pieces]]) == [[[content(frame).hex() for frame in FRAMES], 6, 0]]


def test_every_error_of_one_and_two_bits_of_a_short_frame_is_refused():
    frame = int.from_bytes(FRAMES[0], "big")
    size = len(FRAMES[0])
    for first in range(size * 8):
        for second in range(first, size * 8, 7):
            broken = frame ^ 1 << first ^ (1 << second if second != first else 0)
            assert received(broken.to_bytes(size, "big")) == []


def test_errors_of_three_bits_and_bursts_of_sixteen_in_every_frame_are_refused(on_both):
    draw = random.Random(20250131)
    vectors = []
    for frame in FRAMES:
        bits = len(frame) * 8
        number = int.from_bytes(frame, "big")
        masks = [sum(1 << bit for bit in draw.sample(range(bits), draw.randint(1, 3))) for _ in range(250)]
        masks += [draw.randrange(1, 1 << 16) << draw.randrange(bits - 15) for _ in range(250)]
        for i, mask in enumerate(masks):
            broken = (number ^ mask).to_bytes(len(frame), "big")
            assert received(broken) == []
            if i % 10 == 0:
                vectors.append([1024, [broken.hex()]])
    assert all(found == [] for found, _, _ in on_both(feed, vectors))


@given(st.sampled_from(FRAMES), st.binary(max_size=60), st.binary(max_size=60))
def test_noise_before_and_behind_loses_no_frame(frame, before, behind):
    # Noise may look like the header of a longer frame and wait for the rest of it: what comes then decides.
    assert content(frame) in received(before, frame, behind, bytes(1100))


@given(
    st.sampled_from(FRAMES),
    st.lists(st.sampled_from([b"\x7e", b"\xa0", b"\xa7\xff", b"\x7e\xa0\x2a", b"\x08"])),
)
def test_noise_of_frame_beginnings_loses_no_frame(frame, noise):
    assert content(frame) in received(b"".join(noise), frame, bytes(1100))


@given(st.data())
def test_a_broken_frame_costs_no_other(data):
    frames = data.draw(st.lists(st.sampled_from(FRAMES), min_size=2, max_size=4))
    broken = bytearray(frames[0])
    kind = data.draw(st.sampled_from(("cut", "doubled", "flipped")))
    at = data.draw(st.integers(0, len(broken) - 1))
    if kind == "cut":
        del broken[at]
    elif kind == "doubled":
        broken.insert(at, broken[at])
    else:
        broken[at] ^= data.draw(st.integers(1, 255))
    found = received(bytes(broken), *frames[1:])
    assert found[-len(frames) + 1 :] == [content(frame) for frame in frames[1:]]


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(64, 600))
def test_nothing_raises_and_the_buffer_stays_bounded(pieces, size):
    reader = FrameReader(size)
    for piece in pieces:
        reader.feed(piece)
        assert len(reader._buffer) <= size


def test_a_false_start_is_given_up_before_the_next_frame_is_over():
    # A flag and a plausible length in noise: the header check, not the promised length, decides.
    reader = FrameReader()
    assert reader.feed(bytes.fromhex("7ea3ff41088313")) == []
    assert reader.feed(FRAMES[0]) == [content(FRAMES[0])]
    assert reader.refused == 1


def test_a_frame_longer_than_the_buffer_is_no_frame(on_both):
    long = meters.hdlc(meters.LLC + bytes(600), meters.ADDRESSES["aidon"])
    results = on_both(feed, [[512, [long.hex(), FRAMES[0].hex()]], [1024, [long.hex()]]])
    assert results[0][0] == [content(FRAMES[0]).hex()]
    assert results[1][0] == [(meters.LLC + bytes(600)).hex()]
    with pytest.raises(ValueError, match="segments"):
        meters.hdlc(bytes(2040), meters.ADDRESSES["aidon"])


def test_the_longest_list_of_norway_fits_512_bytes():
    longest = max(FRAMES, key=len)
    assert 390 <= len(longest) <= 400
    assert received(longest, size=512) == [content(longest)]


def segmented(size):
    return list(meters.segments(content(FRAMES[1]), meters.ADDRESSES["aidon"], size))


@pytest.mark.parametrize("size", [20, 128, 380])
def test_segments_are_put_together(on_both, size):
    frames = segmented(size)
    pieces = [frame.hex() for frame in frames]
    assert (
        on_both(feed, [[1024, pieces], [1024, [meters.joined(frames).hex()]]])
        == [[[content(FRAMES[1]).hex()], len(frames), 0]] * 2
    )


def test_a_lost_segment_gives_no_payload_of_two_halves():
    first, middle, last = segmented(150)
    whole = content(FRAMES[1])
    broken = middle[:40] + bytes((middle[40] ^ 1,)) + middle[41:]
    assert whole not in received(first, broken, last)
    assert all(not payload.startswith(meters.LLC) for payload in received(first, broken, last))
    # The next list is not touched by it, and an unfinished one gives way to it.
    assert received(first, broken, last, FRAMES[0])[-1] == content(FRAMES[0])
    assert received(first, middle, FRAMES[0]) == [content(FRAMES[0])]
    assert received(first, first, middle, last) == [whole]


def test_segments_of_another_sender_are_not_mixed_in():
    first, middle, last = segmented(150)
    (foreign,) = meters.segments(bytes(20), meters.ADDRESSES["kaifa"], 150)
    assert not any(payload == content(FRAMES[1]) for payload in received(first, foreign, middle, last))


def test_segments_without_end_stay_bounded():
    reader = FrameReader(512)
    frame = meters.hdlc(meters.LLC + bytes(100), meters.ADDRESSES["aidon"], segmented=True)
    more = meters.hdlc(bytes(103), meters.ADDRESSES["aidon"], segmented=True)
    for part in (frame, *[more] * 30):
        assert reader.feed(part) == []
        assert len(reader._segments) <= 512
