"""The frames virtual electricity meters push: checksum, shape and sizes, against recordings.

What the values in them mean is tested with the node's decoder, in tests/firmware/drivers.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from hardware.virtual import meters

RECORDED: dict[str, str] = json.loads((Path(__file__).parents[2] / "data" / "han_frames.json").read_text())
CLOCK = datetime(2025, 1, 31, 23, 59, 50)  # noqa: DTZ001  the meter's own, without a zone


def test_the_checksum_is_x25() -> None:
    assert meters.check(b"123456789") == (0x906E).to_bytes(2, "little")


@pytest.mark.parametrize("name", [name for name in RECORDED if name.startswith("hdlc:")])
def test_recorded_frames_are_built_alike(name: str) -> None:
    recorded = bytes.fromhex(RECORDED[name])
    addresses, information = recorded[2:6], recorded[8:-2]
    assert meters.hdlc(information, addresses) == b"\x7e" + recorded + b"\x7e"


def test_recorded_lists_are_built_alike() -> None:
    """Kaifa's lists depend on values, clock and meter id alone."""
    values = meters.Values(
        4904, 0, 0, 377, (14571, 15643, 9525), (2193, 0, 2205), 79591144, 0, 889389, 3210932
    )
    clock = datetime(2020, 1, 25, 14, 0, 10)  # noqa: DTZ001
    built = meters.payload("kaifa", 3, values, clock, meter_id="6970631402614476")
    assert built.hex() == RECORDED["kaifa:no_list_3"]


def test_recorded_power_of_aidon_is_built_alike() -> None:
    assert meters.payload("aidon", 1, meters.Values(280), CLOCK).hex() == RECORDED["aidon:no_list_1"]


@pytest.mark.parametrize("make", get_args(meters.Make))
@pytest.mark.parametrize("number", get_args(meters.ListNumber))
def test_shape(make: meters.Make, number: meters.ListNumber) -> None:
    frame = meters.frame(make, number, meters.Values(), CLOCK)
    assert frame[0] == frame[-1] == 0x7E
    assert frame[1] >> 3 == 0xA0 >> 3
    assert (frame[1] & 7) << 8 | frame[2] == len(frame) - 2
    addresses = meters.ADDRESSES[make]
    header = 3 + len(addresses)
    assert frame[3:header] == addresses
    assert frame[header : header + 2] == meters.check(frame[1:header])
    assert frame[header + 2 : header + 5] == meters.LLC
    assert frame[-3:-1] == meters.check(frame[1:-3])


def test_sizes_are_those_of_real_meters() -> None:
    sizes = {make: len(meters.frame(make, 3, meters.Values(), CLOCK)) for make in get_args(meters.Make)}
    assert sizes == {"aidon": 396, "kaifa": 157, "kamstrup": 302}


def test_phases_that_are_not_wired_are_left_out() -> None:
    whole = meters.payload("aidon", 2, meters.Values(), CLOCK)
    absent = meters.payload("aidon", 2, meters.Values(current_ma=(0, None, 0)), CLOCK)
    assert len(whole) - len(absent) == 2 + 8 + 3 + 6
    single = meters.Values(current_ma=(0, None, None), phase_dv=(2300, None, None))
    assert meters.payload("kaifa", 2, single, CLOCK)[23] == 9


def test_segments_hold_the_whole_list() -> None:
    payload = meters.payload("aidon", 3, meters.Values(), CLOCK)
    frames = list(meters.segments(payload, meters.ADDRESSES["aidon"], 128))
    assert [bool(frame[1] & 8) for frame in frames] == [True] * (len(frames) - 1) + [False]
    assert b"".join(frame[9:-3] for frame in frames) == payload


def test_frames_share_the_flag_between_them() -> None:
    frames = [meters.frame("kaifa", 1, meters.Values(power), CLOCK) for power in (1, 2)]
    assert meters.joined(frames) == frames[0] + frames[1][1:]


def test_a_frame_too_long_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match="segments"):
        meters.hdlc(bytes(2040), meters.ADDRESSES["aidon"])
