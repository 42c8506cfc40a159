"""What a node is told, in which body."""

from typing import Any

import pytest

from gateway.answers import FULL_LEAST, FULL_MS, PIECE_LEAST, Answer
from gateway.model import Ack, Reception, Uplink
from gateway.outgoing import Offer
from tests.gateway.talking_node import NOON_MS, uplink
from wire import control
from wire.airtime import airtime_ms

FRAME = uplink(b"")


def test_an_ack_alone() -> None:
    answer = Answer(FRAME, 5, acks={0x11D4})
    bodies = answer.bodies({0x11D4: Ack(40, [(50, 59), (70, 70)])}, welcome=False, now_ms=NOON_MS)
    assert bodies == [{control.ACK: [0xD4, 40, [50, 59], [70, 70]]}]


def test_one_body_says_it_all() -> None:
    answer = Answer(FRAME, 5, time=True, epoch_ok=0x11D4, ask_status=True, acks={0x11D4})
    bodies = answer.bodies({0x11D4: Ack(0, [])}, welcome=False, now_ms=NOON_MS)
    assert bodies == [
        {
            control.TIME: [5, NOON_MS],
            control.EPOCH_OK: 0x11D4,
            control.ASK: control.ASK_STATUS,
            control.ACK: [0xD4, 0],
        }
    ]


def test_each_further_epoch_takes_a_body_of_its_own() -> None:
    answer = Answer(FRAME, 5, acks={1, 2})
    acks = {1: Ack(3, []), 2: Ack(0, [(4, 5)])}
    assert answer.downlinks == 2
    assert answer.bodies(acks, welcome=False, now_ms=NOON_MS) == [
        {control.ACK: [1, 3]},
        {control.ACK: [2, 0, [4, 5]]},
    ]
    welcomes = answer.bodies(acks, welcome=True, now_ms=NOON_MS)
    assert [body[control.TIME] for body in welcomes] == [[5, NOON_MS]] * 2


def test_the_newest_frame_is_the_one_answered() -> None:
    answer = Answer(FRAME, 5)
    later = uplink(b"later")
    answer.follow(later, 6)
    answer.follow(FRAME, 4)
    assert (answer.uplink, answer.counter) == (later, 6)


def test_a_clock_that_cannot_be_right_is_not_passed_on() -> None:
    answer = Answer(FRAME, 5, time=True, acks={1})
    assert answer.bodies({1: Ack(1, [])}, welcome=False, now_ms=0) == [{control.ACK: [1, 1]}]
    assert answer.bodies({1: Ack(1, [])}, welcome=True, now_ms=0) == []


def test_nothing_to_say_is_no_body() -> None:
    assert Answer(FRAME, 5).bodies({}, welcome=False, now_ms=NOON_MS) == []


def test_by_radio_the_time_is_that_of_the_middle_of_the_exchange() -> None:
    heard = Uplink(b"", NOON_MS, "lora", airtime_ms=200, answer_in_ms=1000)
    (body,) = Answer(heard, 5, time=True).bodies({}, welcome=False, now_ms=NOON_MS + 80)
    assert body == {control.TIME: [5, NOON_MS + 500]}


def test_what_is_worth_airtime() -> None:
    assert [Answer(FRAME, 5, welcome=True).value, Answer(FRAME, 5, epoch_ok=1).value] == [2, 2]
    assert [Answer(FRAME, 5, ask_status=True).value, Answer(FRAME, 5, acks={1}).value] == [1, 0]


GAPPY = Ack(3, [(40, 49)], gaps=[(3, 9), (15, 39)], highest=49)
SETTINGS = Offer(control.CHANGES, bytes(500), 100)


def by_radio(sf: int) -> Uplink:
    heard = Reception("c1", -100, 3.0, 0, 868_100, sf, 125)
    return Uplink(b"", NOON_MS, "lora", receptions=(heard,), airtime_ms=200, answer_in_ms=1000)


def test_gaps_and_settings_go_along_only_beside_the_time() -> None:
    answer = Answer(FRAME, 5, time=True, acks={1}, settings=SETTINGS)
    (body,) = answer.bodies({1: GAPPY}, welcome=False, now_ms=NOON_MS)
    assert answer.extras(body, {1: GAPPY}, 14) == {
        control.GAPS: [1, 3, 7, 5, 25, 10],
        control.CHANGES: SETTINGS.piece(400),
    }
    del body[control.TIME]
    assert answer.extras(body, {1: GAPPY}, 14) == {}


@pytest.mark.parametrize("sf", [7, 9, 10, 12])
def test_by_radio_as_much_goes_along_as_fits(sf: int) -> None:
    answer = Answer(by_radio(sf), 5, time=True, acks={1}, settings=SETTINGS)
    ack = Ack(3, [], gaps=[(100 * i, 100 * i + 50) for i in range(12)], highest=1200)
    (body,) = answer.bodies({1: ack}, welcome=False, now_ms=NOON_MS)
    extras = answer.extras(body, {1: ack}, 14)
    size = 14 + len(control.encode(body | extras))
    change: Any = extras[control.CHANGES]
    gaps: Any = extras.get(control.GAPS)
    piece = change[3]
    assert airtime_ms(size, sf) <= FULL_MS or size <= FULL_LEAST or len(piece) == PIECE_LEAST
    assert len(piece) >= PIECE_LEAST
    if sf == 7:
        assert gaps == [1, 0] + [51, 49] * 11 + [51, 50]
    if gaps:  # the newest ones
        assert sum(gaps[1:]) == 1201


def test_a_frame_by_radio_may_be_sealed_twice() -> None:
    assert Answer(by_radio(9), 5, acks={1}).downlinks == 2
