"""The node's side of the conversation, against a gateway of three lines that keeps what it accepts."""

import pytest

from node.backlog import Backlog
from node.conversation import converse
from node.identity import Identity
from node.retained import Retained
from node.uplink import RECORDS_MAX, Uplink
from wire import control
from wire.frame import CONTROL, DATA, RELATIVE, WELCOME, pack_header, parse_header
from wire.quantities import OK
from wire.records import decode
from wire.seal import downlink_cipher, uplink_cipher

KEY = bytes(range(16))
NODE = 11
SCHEMA = {1: (1, 3)}


class StillClock:
    def __init__(self):
        self.utc_ms = None

    def now_ms(self):
        return 5_000

    def ticks(self):
        return 100

    def elapsed_ms(self, mark):
        return 40

    def learn(self, utc_ms, round_trip_ms):
        self.utc_ms = utc_ms + round_trip_ms // 2

    def age_s(self):
        return None


class Flash(Identity):
    """An identity whose saving is counted instead of written."""

    saves = 0

    def save(self):
        self.saves += 1


class Gateway:
    def __init__(self, gateway=b"GATE", store=b"storeids"):
        self.ids = gateway, store
        self.up = uplink_cipher(KEY)
        self.down = downlink_cipher(KEY, gateway, store)
        self.counter = 0
        self.stored = {}
        self.counters = []

    def hear(self, frame):
        header = parse_header(frame)
        self.counters.append(header.counter)
        plain = self.up.open(frame)
        if header.type == CONTROL:
            return header, control.decode(plain)
        batch = decode(header.flags, plain, SCHEMA)
        for record in batch.records:
            assert self.stored.setdefault(record.seq, record) == record
        return header, batch

    def say(self, body):
        self.counter += 1
        return self.down.seal(pack_header(CONTROL, 0, NODE, self.counter), control.encode(body))

    def welcome(self, asked, **more):
        self.counter += 1
        clear = pack_header(WELCOME, 0, NODE, self.counter) + self.ids[0] + self.ids[1]
        body = {control.TIME: [asked, 1_700_000_000_000], **{int(k[1:]): v for k, v in more.items()}}
        return self.down.seal(clear, control.encode(body))


@pytest.fixture
def node(tmp_path):
    class Parts:
        state = Retained()
        identity = Flash(KEY)
        clock = StillClock()

    backlog = Backlog(Parts.state, 2, 200, directory=str(tmp_path / "log"))
    backlog.recover(lambda n: b"\x2a\x56\x34\x12")
    Parts.backlog = backlog
    Parts.uplink = Uplink(NODE, 1, SCHEMA[1], Parts.identity, Parts.state, backlog, Parts.clock)
    return Parts


def append(node, count, clock=None):
    for i in range(count):
        node.backlog.append([(1_700_000_000 + 600 * i, clock, (9000 + i % 5, 300), (OK, OK))])


def introduce(node, gateway):
    header, _ = gateway.hear(node.uplink.status([1], b"hash", 3600))
    assert node.uplink.take(gateway.welcome(header.counter))
    assert node.uplink.take(gateway.say({control.EPOCH_OK: 0x1234562A}))


def send_all(node, gateway, frame_size):
    frames = []
    while (frame := node.uplink.next_data(frame_size)) is not None:
        assert len(frame) <= frame_size
        frames.append(frame)
        gateway.hear(frame)
    return frames


def test_a_new_node_introduces_itself_before_it_sends_data(node):
    gateway = Gateway()
    assert not node.uplink.introduced()
    header, status = gateway.hear(node.uplink.status([4], b"hash", 3600))
    assert status[control.EPOCH] == 0x1234562A
    assert status[control.CLOCK] == [0, 5_000]
    assert node.uplink.take(gateway.welcome(header.counter))
    assert node.clock.utc_ms == 1_700_000_000_020
    assert not node.uplink.introduced()
    node.uplink.take(gateway.say({control.EPOCH_OK: 0x1234562A}))
    assert node.uplink.introduced()
    assert (node.identity.gateway, node.identity.store) == gateway.ids
    assert node.identity.epoch == 0x1234562A


def test_newest_first_until_everything_is_sent(node):
    gateway = Gateway()
    introduce(node, gateway)
    append(node, 300)
    frames = send_all(node, gateway, 222)
    assert sorted(gateway.stored) == list(range(300))
    first = decode(parse_header(frames[0]).flags, gateway.up.open(frames[0]), SCHEMA)
    assert first.records[-1].seq == 299
    assert len(first.records) <= RECORDS_MAX
    assert node.uplink.unacknowledged()
    assert not node.uplink.settled()
    node.uplink.take(gateway.say({control.ACK: [0x2A, 300]}))
    assert not node.uplink.unacknowledged()
    assert node.uplink.settled()


def test_an_ack_with_ranges_leaves_the_gaps_to_send(node):
    gateway = Gateway()
    introduce(node, gateway)
    append(node, 50)
    node.uplink.take(gateway.say({control.ACK: [0x2A, 10, [20, 24], [40, 49]]}))
    send_all(node, gateway, 1024)
    assert sorted(gateway.stored) == [*range(10, 20), *range(25, 40)]


def test_records_on_the_nodes_own_clock_go_in_frames_of_their_own(node):
    gateway = Gateway()
    introduce(node, gateway)
    append(node, 3, clock=7)
    append(node, 4)
    flags = [parse_header(f).flags & RELATIVE for f in send_all(node, gateway, 1024)]
    assert flags == [0, RELATIVE]
    assert sorted(gateway.stored) == list(range(7))


def test_no_counter_is_used_twice_and_each_is_reserved_in_flash_first(node):
    gateway = Gateway()
    introduce(node, gateway)
    append(node, 1)
    for _ in range(600):
        gateway.hear(node.uplink.status([1], b"hash", None))
        assert node.identity.reserved > gateway.counters[-1]
    assert len(set(gateway.counters)) == len(gateway.counters)
    assert node.identity.saves < 10


def test_a_reservation_that_flash_refused_reserves_nothing(node):
    gateway = Gateway()
    introduce(node, gateway)
    node.state.counter = node.state.reserved
    kept = node.identity.save

    def refuse():
        raise OSError(28)

    node.identity.save = refuse
    for _ in range(3):
        with pytest.raises(OSError, match="28"):
            node.uplink.status([1], b"hash", None)
    assert len(gateway.counters) == 1
    node.identity.save = kept
    before = node.identity.saves
    header, _ = gateway.hear(node.uplink.status([1], b"hash", None))
    assert node.identity.saves == before + 1
    assert header.counter < node.identity.reserved


def test_another_store_is_believed_only_as_a_fresh_answer(node):
    old = Gateway()
    introduce(node, old)
    append(node, 20)
    node.uplink.take(old.say({control.ACK: [0x2A, 20]}))
    new = Gateway(store=b"restored")
    assert not node.uplink.take(new.say({control.ACK: [0x2A, 20]}))  # its key is unknown
    assert not node.uplink.take(new.welcome(999_999))  # answers nothing that was asked
    assert node.identity.store == b"storeids"
    header, _ = new.hear(node.uplink.status([1], b"hash", None))
    assert node.uplink.take(new.welcome(header.counter))
    assert node.identity.store == b"restored"
    assert not node.uplink.introduced()
    node.uplink.take(new.say({control.EPOCH_OK: 0x1234562A}))
    send_all(node, new, 1024)
    assert sorted(new.stored) == list(range(20))  # everything again: the new store has nothing


def test_an_ack_of_another_epoch_or_of_the_future_is_not_believed(node):
    gateway = Gateway()
    introduce(node, gateway)
    append(node, 5)
    node.uplink.take(gateway.say({control.ACK: [0x2B, 5]}))
    node.uplink.take(gateway.say({control.ACK: [0x2A, 6]}))
    assert node.state.upto == 0


def test_records_that_flash_lost_are_declared(node, tmp_path):
    gateway = Gateway()
    introduce(node, gateway)
    append(node, 200)
    segments = sorted((tmp_path / "log").glob("????????"))
    segments[1].write_bytes(b"damaged")
    gone = range(int(segments[1].name, 16), int(segments[2].name, 16))
    send_all(node, gateway, 1024)
    assert sorted(gateway.stored) == [n for n in range(200) if n not in gone]
    assert node.uplink.wants_status
    _, status = gateway.hear(node.uplink.status([1], b"hash", None))
    declared = [n for first, last in status[control.LOST] for n in range(first, last + 1)]
    assert declared == list(gone)


@pytest.mark.parametrize(
    "body",
    [
        {control.ACK: 7},
        {control.ACK: [0x2A]},
        {control.ACK: [0x2A, "x"]},
        {control.ACK: [0x2A, 0, [5]]},
        {control.TIME: 5},
        {control.TIME: []},
        {999: "unknown keys are for later versions"},
    ],
)
def test_a_downlink_that_makes_no_sense_changes_nothing(node, body):
    gateway = Gateway()
    introduce(node, gateway)
    append(node, 5)
    node.uplink.take(gateway.say(body))
    assert (node.state.upto, node.state.ranges) == (0, (0,) * 8)


def test_frames_for_others_and_noise_are_left_alone(node):
    gateway = Gateway()
    introduce(node, gateway)
    other = gateway.down.seal(pack_header(CONTROL, 0, 12, 90), control.encode({control.ACK: [0x2A, 0]}))
    uplink = gateway.up.seal(pack_header(DATA, 0, NODE, 91), b"")
    for frame in (other, uplink, b"", bytes(40), gateway.say({})[:-1]):
        assert node.uplink.take(frame) in (False, True)
    assert node.state.upto == 0


class Carrier:
    """Hands every uplink to the gateway at once and keeps its answers."""

    frame_max = 222

    def __init__(self, gateway, answer):
        self.gateway = gateway
        self.answer = answer
        self.inbox = []

    def send(self, frame):
        self.inbox += self.answer(self.gateway, *self.gateway.hear(frame))


def answers(gateway, header, body):
    if header.type == CONTROL:
        return [gateway.welcome(header.counter), gateway.say({control.EPOCH_OK: body[control.EPOCH]})]
    upto = 0
    while upto in gateway.stored:
        upto += 1
    newest = max(gateway.stored)
    first = newest
    while first - 1 in gateway.stored:
        first -= 1
    return [gateway.say({control.ACK: [0x2A, upto, [first, newest]]})]


def talk(node, carrier):
    def status():
        return node.uplink.status([1], b"hash", None)

    waits = converse(node.uplink, node.state, node.clock, carrier, status)
    try:
        next(waits)
        while True:
            waits.send(carrier.inbox.pop(0) if carrier.inbox else None)
    except StopIteration as ended:
        return ended.value


def test_a_conversation_ends_when_everything_is_acknowledged(node):
    append(node, 1000)
    gateway = Gateway()
    assert talk(node, Carrier(gateway, answers)) is True
    assert sorted(gateway.stored) == list(range(1000))
    assert node.state.status_s
    frames = len(gateway.counters)
    assert talk(node, Carrier(gateway, answers)) is True
    assert len(gateway.counters) == frames + 1  # the still clock has no UTC yet: it asks again


def test_silence_ends_a_conversation_and_the_next_one_sends_again(node):
    append(node, 30)
    gateway = Gateway()
    introduce(node, gateway)
    node.state.status_s = 1
    assert talk(node, Carrier(gateway, lambda *_: [])) is False
    gateway.stored.clear()
    assert talk(node, Carrier(gateway, answers)) is True
    assert sorted(gateway.stored) == list(range(30))
