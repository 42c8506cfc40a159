"""What a node is told, in which body."""

from gateway.answers import Answer
from gateway.model import Ack, Uplink
from tests.gateway.talking_node import NOON_MS, uplink
from wire import control

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
