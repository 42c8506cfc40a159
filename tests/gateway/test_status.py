"""A STATUS is believed only as far as it can be true."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.status import read_status
from wire import control
from wire.frame import FrameError

FULL: dict[int, Any] = {
    control.EPOCH: 0xA1B2C3D4,
    control.CLOCK: [7, 90_000],
    control.BOOT: [3, 1],
    control.FIRMWARE: "0.1.0",
    control.CONFIG: b"\x01\x02\x03\x04",
    control.BATTERY: 3580,
    control.NEXT: 500,
    control.LOST: [[0, 9], [20, 29]],
    control.PROFILE: 1,
    control.OLDEST: 30,
    control.COUNTERS: {4: 2},
    control.TAKES: 1,
}


def test_all_of_it() -> None:
    status = read_status(FULL)
    assert (status.epoch, status.next_seq, status.oldest_seq) == (0xA1B2C3D4, 500, 30)
    assert status.lost == ((0, 9), (20, 29))
    assert status.clock == (7, 90_000)
    assert json.loads(status.text) == {
        "epoch": 0xA1B2C3D4,
        "clock": [7, 90_000],
        "boot": [3, 1],
        "firmware": "0.1.0",
        "config": "01020304",
        "battery_mv": 3580,
        "next_seq": 500,
        "lost": [[0, 9], [20, 29]],
        "schema_id": 1,
        "oldest_seq": 30,
        "counters": {"4": 2},
        "takes": 1,
    }


def test_the_epoch_is_enough() -> None:
    status = read_status({control.EPOCH: 1})
    assert (status.next_seq, status.oldest_seq, status.lost, status.clock) == (0, 0, (), None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (control.EPOCH, None),
        (control.EPOCH, True),
        (control.EPOCH, 1 << 32),
        (control.EPOCH, -1),
        (control.NEXT, "many"),
        (control.OLDEST, 501),
        (control.LOST, 5),
        (control.LOST, [5]),
        (control.LOST, [[5]]),
        (control.LOST, [[9, 5]]),
        (control.LOST, [[0, 500]]),
        (control.LOST, [[True, 5]]),
        (control.CLOCK, [7]),
        (control.CLOCK, [256, 0]),
        (control.CLOCK, [7, -1]),
        (control.CLOCK, [7, 1 << 60]),
        (control.CLOCK, "noon"),
    ],
)
def test_what_cannot_be_true_is_refused(key: int, value: object) -> None:
    with pytest.raises(FrameError):
        read_status(FULL | {key: value})


items: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), 1 << 64)
    | st.binary(max_size=8)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 40), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.integers(0, 40), items, max_size=12))
def test_whatever_it_says_it_is_read_or_refused(body: dict[int, Any]) -> None:
    try:
        status = read_status(body)
    except FrameError:
        return
    json.loads(status.text)
    assert all(0 <= first <= last < status.next_seq for first, last in status.lost)


EVENT = [1_795_000_000, 0, 3, None, b"mark", [[2, 5, 0], [3, 1 << 39, 7]]]


def test_what_happened_to_registers() -> None:
    status = read_status(
        {control.EPOCH: 1, control.REGISTERS: [EVENT, [5, 7, 9, b"mark", None, [[2, 1, 2]], "new"]]}
    )
    first, second = status.registers
    assert (first.clock, first.time_s, first.kind) == (0, 1_795_000_000, "swap")
    assert (first.before, first.after) == (None, b"mark")
    assert first.registers == ((2, 5, 0), (3, 1 << 39, 7))
    assert (second.clock, second.kind) == (7, "kind 9")  # of a newer node
    assert json.loads(status.text)["registers"][0][4] == b"mark".hex()


@pytest.mark.parametrize(
    "event",
    [
        EVENT[:5],
        "event",
        [-1, *EVENT[1:]],
        [1 << 32, *EVENT[1:]],
        [True, *EVENT[1:]],
        [EVENT[0], 256, *EVENT[2:]],
        [*EVENT[:3], b"long mark", *EVENT[4:]],
        [*EVENT[:4], 7, EVENT[5]],
        [*EVENT[:5], []],
        [*EVENT[:5], [[1, 2]]],
        [*EVENT[:5], [[1, 2, -3]]],
        [*EVENT[:5], [[1, 2, None]]],
    ],
)
def test_an_event_that_can_not_be(event: Any) -> None:
    with pytest.raises(FrameError, match=r"register|mark"):
        read_status({control.EPOCH: 1, control.REGISTERS: [event]})
