"""Counters of a node's link: none is used before it is reserved, none twice, whatever happens."""

import pytest

from gateway.links import RECEIVERS_MAX, RESERVED_AHEAD, NoCounter, NodeLink
from gateway.model import Anchor, Epoch, NodeState, Reception
from tests.gateway.talking_node import GATEWAY_ID, key_of
from wire.frame import COUNTER_MAX, WELCOME, WELCOME_SIZE, parse_header
from wire.seal import downlink_cipher

STORE_ID = b"8 bytes."


def link(key: bytes | None = None) -> NodeLink:
    return NodeLink(11, key or key_of(11), GATEWAY_ID, STORE_ID)


def counters(one: NodeLink, count: int) -> list[int]:
    return [parse_header(one.seal(b"\xa0")).counter for _ in range(count)]


def test_nothing_is_sealed_before_the_store_has_reserved_it() -> None:
    fresh = link()
    with pytest.raises(NoCounter, match="reserved"):
        fresh.seal(b"\xa0")
    state = fresh.state(reserve=1)
    with pytest.raises(NoCounter, match="reserved"):
        fresh.seal(b"\xa0")
    fresh.stored(state)
    assert counters(fresh, 3) == [0, 1, 2]


def test_a_restart_skips_what_may_have_been_used() -> None:
    before = link()
    state = before.state(reserve=1)
    before.stored(state)
    counters(before, 5)
    after = link()
    after.restore(state, [], {})
    after.stored(after.state(reserve=1))
    assert counters(after, 1) == [state.downlink_reserved]


def test_blocks_are_reserved_while_there_is_some_left() -> None:
    one = link()
    for _ in range(3 * RESERVED_AHEAD):
        one.stored(one.state(reserve=1))
        one.seal(b"\xa0")
    assert one.reserved <= 4 * RESERVED_AHEAD + 4


def test_reserving_nothing_changes_nothing() -> None:
    one = link()
    assert one.state().downlink_reserved == 0


def test_a_key_that_is_used_up_seals_no_more() -> None:
    one = link()
    one.restore(NodeState(11, one.state().key_check, downlink_reserved=COUNTER_MAX), [], {})
    one.stored(one.state(reserve=1))
    assert counters(one, 1) == [COUNTER_MAX]
    with pytest.raises(NoCounter, match="needs a new key"):
        one.seal(b"\xa0")


def test_a_welcome_names_gateway_and_store_in_clear() -> None:
    one = link()
    one.stored(one.state(reserve=1))
    frame = one.seal(b"\xa0", welcome=True)
    assert parse_header(frame).type == WELCOME
    assert frame[6:WELCOME_SIZE] == GATEWAY_ID + STORE_ID
    assert downlink_cipher(key_of(11), GATEWAY_ID, STORE_ID).open(frame, WELCOME_SIZE) == b"\xa0"


def test_what_was_known_is_known_again() -> None:
    before = link()
    before.window.admit(70)
    before.window.admit(30)
    before.last_seen_ms = 5
    state = before.state(welcomed=True)
    epochs = [Epoch(11, 0x1D4, 1, since=9), Epoch(11, 0x2D4, 2, since=50)]
    anchors = {1: [Anchor(0, 900, 1)], 2: [Anchor(0, 500, 1)]}
    after = link()
    after.restore(state, epochs, anchors)
    assert (after.window.highest, after.window.seen) == (before.window.highest, before.window.seen)
    assert after.welcomed
    assert after.last_seen_ms == 5
    assert after.epochs == {0xD4: epochs[1]}  # the one introduced last
    assert list(after.anchors) == [2, 1]  # by age


def test_a_new_key_starts_its_counters_afresh_but_keeps_the_epochs() -> None:
    before = link()
    before.window.admit(70)
    state = before.state(welcomed=True, reserve=1)
    after = link(b"another 16 bytes")
    after.restore(state, [Epoch(11, 0x1D4, 1, since=9)], {})
    assert after.window.admit(0)
    assert not after.welcomed
    assert after.epochs[0xD4].since == 0
    assert after.reserved == state.downlink_reserved


def test_the_last_receivers_are_remembered() -> None:
    one = link()
    for i in range(20):
        one.heard_by(
            [
                Reception(f"r{i}", -100, 1.0, 0, 869525, 9, 125),
                Reception("best", -80 - i, 9.0, 0, 869525, 9, 125),
            ]
        )
    assert len(one.receptions) == RECEIVERS_MAX
    assert one.receptions["best"].rssi_dbm == -99
