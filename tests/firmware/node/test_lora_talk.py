"""The LoRa conversation against a gateway of a few lines: when it asks, what it sends again."""

import itertools

import pytest

from node.backlog import Backlog
from node.lora_talk import (
    BACKFILL_FRAMES,
    SETTINGS_ROUNDS,
    SLOW_AFTER,
    SLOW_REPORTS,
    Habits,
    converse,
)
from node.retained import Retained
from node.uplink import Uplink
from tests.firmware.node.test_uplink import KEY, NODE, SCHEMA, Flash, Gateway
from wire import control
from wire.frame import ACK_REQUESTED, CONTROL, parse_header
from wire.quantities import OK
from wire.records import decode

EPOCH = 0x1234562A


class Clock:
    """Ten minutes pass from one report to the next."""

    def __init__(self):
        self.s = 1_000
        self.learned = None

    def now_ms(self):
        return self.s * 1000

    def ticks(self):
        return 0

    def elapsed_ms(self, mark):
        return 0

    def learn(self, utc_ms, round_trip_ms):
        self.learned = self.s

    def age_s(self):
        return None if self.learned is None else self.s - self.learned


class Air:
    """A carrier to a gateway that may be away; `log` has what was sent: "S" for a status, else the records,
    with "?" where it asked."""

    answer_ms = 3000
    frame_max = 115

    def __init__(self):
        self.gateway = Gateway()
        self.up = self.down = True
        self.budget = 10**6
        self.slow = None
        self.only_slow = False
        self.log = []
        self.answer = None
        self.pieces = 0  # of new settings that are to come
        self.also = {}  # what an answer to records says besides

    def use_slow(self, slow):
        self.slow = slow

    def room(self, size=0):
        return (size or self.frame_max) if self.budget > 0 else 0

    def frames(self, permille, most_ms):
        return self.budget * permille // 1000

    def send(self, frame):
        self.budget -= 1
        header = parse_header(frame)
        asks = "?" if header.flags & ACK_REQUESTED else ""
        if header.type == CONTROL:
            self.log.append("S" + asks)
        else:
            seqs = [r.seq for r in decode(header.flags, self.gateway.up.open(frame), SCHEMA).records]
            self.log.append(f"{seqs[0]}-{seqs[-1]}{asks}" if len(seqs) > 1 else f"{seqs[0]}{asks}")
        self.answer = None
        if not self.up:
            return
        _, body = self.gateway.hear(frame)
        if not asks or not self.down or (self.only_slow and not self.slow):
            return
        told = {f"k{control.EPOCH_OK}": EPOCH, f"k{control.ACK}": self.ack()}
        if header.type == CONTROL:
            told |= {f"k{key}": value for key, value in self.also.items()}
            self.answer = self.gateway.welcome(header.counter, **told)
            self.pieces -= 1
        else:
            told = {control.ACK: self.ack(), control.TIME: [header.counter, 1_700_000_000_000]}
            if self.pieces > 0:
                told[control.ASK] = control.ASK_STATUS
            self.answer = self.gateway.say(told | self.also)

    def ack(self):
        stored = sorted(self.gateway.stored)
        upto = next((i for i, seq in enumerate([*stored, None]) if i != seq), 0)
        ranges = []
        for seq in stored[upto:]:
            if ranges and seq == ranges[-1][1] + 1:
                ranges[-1][1] = seq
            else:
                ranges.append([seq, seq])
        return [EPOCH & 0xFF, upto, *ranges[-4:]]

    def receive(self):
        answer, self.answer = self.answer, None
        return answer


class Node:
    def __init__(self, folder):
        self.state, self.clock, self.air, self.habits = Retained(), Clock(), Air(), Habits()
        self.backlog = Backlog(self.state, 2, 200, directory=str(folder / "log"))
        self.backlog.recover(lambda n: EPOCH.to_bytes(4, "little"))
        self.uplink = Uplink(NODE, 1, SCHEMA[1], Flash(KEY), self.state, self.backlog, self.clock)

    def wake(self, urgent=False):
        """Measure and talk; returns what was sent and how the conversation ended."""
        self.clock.s += 600
        self.backlog.append([(1_700_000_000 + self.clock.s, None, (9000, 300), (OK, OK))])
        habits = Habits()
        habits.unpack(self.habits.pack())  # through a sleep
        self.habits, self.air.log = habits, []
        talk = converse(
            self.uplink, self.state, self.clock, self.air, lambda: self.uplink.status([1], b"hash", None),
            habits, urgent,
        )  # fmt: skip
        try:
            next(talk)
            while True:
                talk.send(self.air.receive())
        except StopIteration as ended:
            return self.air.log, ended.value


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path)


def test_a_new_node_introduces_itself_and_then_asks_every_sixth_time(node):
    assert node.wake() == (["S?", "0"], True)
    logs = [node.wake()[0] for _ in range(11)]
    assert [log[0].endswith("?") for log in logs] == [False] * 5 + [True] + [False] * 5
    assert all(len(log) == 1 for log in logs)
    assert sorted(node.air.gateway.stored) == list(range(12))
    assert node.state.upto == 7
    assert node.clock.age_s() == 5 * 600


def test_an_event_asks_at_once(node):
    node.wake()
    assert node.wake(urgent=True) == (["1?"], True)
    assert node.state.upto == 2


def test_no_data_before_the_gateway_knows_the_backlog(node):
    node.air.down = False
    log = [node.wake() for _ in range(8)]
    assert log[0] == (["S?"], False)
    assert all(sent in ([], ["S?"]) for sent, _ in log)
    node.air.down = True
    while not node.air.gateway.stored:
        sent, _ = node.wake()
    assert sent[0] == "S?"
    assert sent[1].endswith(str(node.state.next_seq - 1))


def test_what_was_lost_is_found_out_and_sent_again_in_spare_airtime(node):
    node.wake()
    node.air.up = False
    for _ in range(40):
        node.wake()
    node.air.up = True
    sent = []
    while node.uplink.unacknowledged():
        log, _ = node.wake()
        sent.append(log)
        assert len(log) < 30
    burst = next(log for log in sent if len(log) > 1)
    assert len(burst) <= 1 + 1 + BACKFILL_FRAMES
    assert [frame for frame in burst[:-1] if frame.endswith("?")] == burst[:1]
    assert burst[-1].endswith("?")
    assert sorted(node.air.gateway.stored) == list(range(node.state.next_seq))


def test_questions_get_rarer_while_nobody_answers_but_reports_go_on(node):
    for _ in range(7):
        node.wake()
    node.air.down = False
    logs = [node.wake()[0] for _ in range(60)]
    asked = [i for i, log in enumerate(logs) if any(frame.endswith("?") for frame in log)]
    pauses = [b - a for a, b in itertools.pairwise(asked)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 1
    assert pauses[-1] == 12
    assert sorted(node.air.gateway.stored) == list(range(node.state.next_seq))


def test_where_only_the_slow_one_is_answered_it_is_used_longer_and_longer(node):
    node.wake()
    slow = []
    for _ in range(700):
        node.air.only_slow = True
        node.wake()
        slow.append(node.air.slow)
    assert slow.index(True) > SLOW_AFTER
    spells = [len(list(spell)) for is_slow, spell in itertools.groupby(slow) if is_slow]
    assert spells[0] == 1  # a question
    assert max(spells) >= SLOW_REPORTS[1]
    assert slow[-200:].count(True) > 180


def test_while_the_gateway_is_away_reports_stay_fast(node):
    for _ in range(7):
        node.wake()
    node.air.down = False
    slow = []
    for _ in range(60):
        log, _ = node.wake()
        slow.append(node.air.slow)
        assert not node.air.slow or log[0].endswith("?")
    assert 0 < slow.count(True) <= 4
    node.air.down = True
    for _ in range(30):
        node.wake()
    assert (node.habits.span, node.habits.slow, node.habits.silent) == (0, 0, 0)


def test_without_airtime_nothing_is_sent_and_nothing_is_lost(node):
    node.wake()
    node.air.budget = 0
    for _ in range(20):
        assert node.wake()[0] == []
    for _ in range(20):
        node.air.budget = 3
        node.wake()
    assert sorted(node.air.gateway.stored) == list(range(node.state.next_seq))


def test_a_status_a_day(node):
    days = [node.wake()[0].count("S?") for _ in range(300)]
    assert sum(days) == 3
    assert days[0] == days[144] == 1


def test_a_lost_status_does_not_silence_the_reports(node):
    node.wake()
    node.state.status_s = 0
    node.air.down = False
    logs = [node.wake()[0] for _ in range(6)]
    assert all(any(not frame.startswith("S") for frame in log) for log in logs)


def test_a_gateway_that_asks_hears_a_status_in_the_same_conversation(node):
    node.wake()
    node.air.pieces = 1
    logs = [node.wake()[0] for _ in range(8)]
    assert [log[1:] for log in logs if len(log) > 1] == [["S?"]]
    assert not node.uplink.wants_status


def test_pieces_of_settings_follow_one_another_but_not_for_ever(node, monkeypatch):
    node.wake()
    node.air.pieces = 20
    real = node.uplink.take

    def take(frame):
        done = real(frame)
        node.uplink.more = done and node.air.pieces > 0
        return done

    monkeypatch.setattr(node.uplink, "take", take)
    logs = [node.wake()[0].count("S?") for _ in range(40)]
    assert max(logs) == SETTINGS_ROUNDS
    assert sum(logs) == 20


def test_after_new_settings_the_next_report_asks(node):
    node.wake()
    node.wake(urgent=True)
    node.uplink.arrived = True
    node.wake()
    node.uplink.arrived = False
    assert node.wake()[0] == ["3?"]


def test_what_the_gateway_has_is_not_sent_again(node):
    for _ in range(3):
        node.wake()
    node.air.up = False
    for _ in range(40):
        node.wake()
    node.air.up = True
    stored = node.state.next_seq
    lacking = {5, 6, 20}
    for seq in set(range(stored)) - lacking - set(node.air.gateway.stored):
        node.air.gateway.stored[seq] = None
    node.air.ack = lambda: [EPOCH & 0xFF, 3]  # as if the ranges above did not fit
    node.air.also = {control.GAPS: [EPOCH & 0xFF, 5, 2, 13, 1, stored - 21]}
    node.state.upto, node.state.ranges = 3, (0,) * 8
    for seq in lacking | {3, 4}:
        node.air.gateway.stored.pop(seq, None)
    assert node.wake(urgent=True)[0] == ["S?", str(stored), "20", "3-6?"]
