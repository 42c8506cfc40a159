"""What relays say to one another comes back whole; anything else is refused in words."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Downlink, Reception, Uplink
from gateway.relayed import (
    NotRelayed,
    pack_downlink,
    pack_uplink,
    read_downlink,
    read_uplink,
    topic,
)
from tests.gateway.talking_node import NOON_MS
from wire.frame import CONTROL, pack_header

FRAME = pack_header(CONTROL, 1, 11, 5) + bytes(20)
BEST = Reception("00000000000000c1", -110, -4.5, 77, 868_100, 9, 125)
UPLINK = Uplink(FRAME, NOON_MS, "lora", -110, -4.5, (BEST, replace(BEST, receiver="c2")), 247, 1000)


def test_an_uplink_comes_to_its_home_as_it_was_heard() -> None:
    found = read_uplink(pack_uplink(UPLINK), "sor", NOON_MS + 50)
    heard = tuple(replace(r, receiver=f"sor/{r.receiver}", ticks_us=0) for r in UPLINK.receptions)
    assert found == replace(UPLINK, received_at_ms=NOON_MS + 50, receptions=heard, via="sor")
    assert topic("nord", "sor", "up") == "sn/nord/relay/sor/up"


def test_an_answer_finds_its_uplink_again() -> None:
    home = read_uplink(pack_uplink(UPLINK), "sor", NOON_MS)
    other = replace(UPLINK, frame=FRAME + b"x")
    for short in (None, FRAME[:-1]):
        sent = Downlink(11, FRAME, home, 2, short)
        assert read_downlink(pack_downlink(sent), [other, UPLINK]) == replace(sent, answers=UPLINK)
    assert read_downlink(pack_downlink(Downlink(11, FRAME, home)), [other]) is None


def changed(packed: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(packed), **changes}).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"frame": ""},
        {"frame": "%"},
        {"frame": "A" * 400},
        {"frame": 7},
        {"heard": []},
        {"heard": [[1, 2]]},
        {"heard": [["c1", -110, -4.5, 868100, 9, 125]] * 17},
        {"heard": [["c1\n", -110, -4.5, 868100, 9, 125]]},
        {"heard": [["c1", -110, True, 868100, 9, 125]]},
        {"heard": [["c1", -110, float("inf"), 868100, 9, 125]]},
        {"heard": [["c1", -1e9, 1, 868100, 9, 125]]},
        {"heard": [["c1", -110, 1, 868100, 99, 125]]},
        {"airtime_ms": -1},
        {"answer_in_ms": 10**9},
    ],
)
def test_an_uplink_that_can_not_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotRelayed):
        read_uplink(changed(pack_uplink(UPLINK), **changes), "sor", NOON_MS)


@pytest.mark.parametrize("changes", [{"frame": ""}, {"frame": "AAAA"}, {"short": 5}, {"value": 3}])
def test_an_answer_that_can_not_be_is_refused(changes: dict[str, Any]) -> None:
    packed = pack_downlink(Downlink(11, FRAME, UPLINK))
    with pytest.raises(NotRelayed):
        read_downlink(changed(packed, **changes), [UPLINK])


JUNK = st.one_of(
    st.binary(max_size=80),
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5),
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["frame", "heard"]), x),
    ).map(lambda value: json.dumps(value).encode()),
    st.just(b"[" * 4000),
    st.just(b" " * 5000),
)


@settings(max_examples=100)
@given(JUNK)
def test_nothing_breaks_it(payload: bytes) -> None:
    for read in (lambda: read_uplink(payload, "sor", NOON_MS), lambda: read_downlink(payload, [UPLINK])):
        with pytest.raises(NotRelayed):
            read()
