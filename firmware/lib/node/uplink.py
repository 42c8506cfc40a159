"""What the node says and how it takes the answers. No radio, no flash but the identity: pure policy
over the state it is given, so that every carrier runs the same conversation.

A conversation: introduce (STATUS until the gateway has registered the epoch), then records, newest
first, until all are acknowledged or the carrier's budget is spent.
"""

from node import acked, retained
from node.identity import BLOCK
from node.version import FIRMWARE
from wire import control
from wire.encoding import encode_most
from wire.frame import (
    ACK_REQUESTED,
    CONTROL,
    COUNTER_MAX,
    DATA,
    HEADER_SIZE,
    JOIN,
    TAG_SIZE,
    WELCOME,
    WELCOME_SIZE,
    FrameError,
    pack_header,
    parse_header,
)
from wire.seal import downlink_cipher, uplink_cipher

RECORDS_MAX = 64  # of one frame: bounds the heap an encoder takes
FAULTS_MAX = 6  # told in one STATUS, each in so many characters
FAULT_CHARS = 60
COUNTERS_LEFT = 4096  # a new life begins while so many are left: should it fail, there is time to try again


class Uplink:
    def __init__(self, node, schema, quantities, identity, state, backlog, clock):
        self._node = node
        self._schema = schema
        self._quantities = quantities
        self._identity = identity
        self._state = state
        self._backlog = backlog
        self._clock = clock
        self._cipher = uplink_cipher(identity.sealing_key())
        self._down = None
        self._asked = {}  # uplink counter -> ticks when it was sent, to time the answer
        self._sent = []  # runs sent in this conversation
        self._there = []  # runs the gateway said it has, beside what the node remembers of its ACKs
        self._gone = []  # runs that flash no longer has although they were never acknowledged
        self.wants_status = False
        self.more = False  # of new settings, which the next STATUS asks for
        self.arrived = False  # new settings are complete, for the next start

    def begin(self):
        """A new conversation: what an earlier one left unanswered is to be sent again."""
        self._asked = {}
        self._sent = []
        self._there = []
        if self._state.counter > COUNTER_MAX - COUNTERS_LEFT:
            self._renew()

    def _renew(self):
        """The frame counter comes to its end: begin another life, whose counter begins anew."""
        from node import root

        try:
            root.next_life(self._identity)
        except OSError:
            self._state.count(control.FLASH)
            return
        self._state.counter = self._state.reserved = 0
        self._cipher = uplink_cipher(self._identity.sealing_key())
        self._down = None

    # Sending

    def _frame(self, type, flags, body):
        state = self._state
        if state.counter >= state.reserved:  # in flash before it is on the air
            self._identity.reserved = state.counter + BLOCK
            self._identity.writes += state.writes
            self._identity.save()
            state.reserved = self._identity.reserved  # only now: a save that failed has reserved nothing
            state.writes = 0
        if state.counter > COUNTER_MAX:
            raise ValueError("frame counter is used up: provision this node with a new key")
        counter = state.counter
        state.counter += 1
        self._asked[counter] = self._clock.ticks()
        header = pack_header(type, flags, self._node, counter)
        if type == JOIN:
            header += bytes((self._identity.life >> 8, self._identity.life & 0xFF))
        return self._cipher.seal(header, body)

    def introduced(self):
        """True when data may flow: the gateway has registered this epoch and asks for no STATUS."""
        return self._identity.epoch == self._state.epoch and not self.wants_status

    def status(
        self, boot, config_hash, battery_mv, wear=None, counters=None, faults=(), events=(), shelf=False
    ):
        """Return a STATUS frame. `boot` is [reset cause, ...], `counters` by cause, `events` of registers.

        `shelf`: the node goes there now.
        """
        state = self._state
        body = {
            control.EPOCH: state.epoch,
            control.CLOCK: [state.clock, self._clock.now_ms()],
            control.BOOT: [self._identity.boots] + boot,
            control.FIRMWARE: FIRMWARE,
            control.CONFIG: config_hash,
            control.NEXT: state.next_seq,
            control.OLDEST: state.oldest,
            control.PROFILE: self._schema,
            control.TAKES: 1,
        }
        if retained.INCOMING in state.notes:
            from node import incoming

            body[control.WANT] = incoming.want(state)
        if battery_mv is not None:
            body[control.BATTERY] = battery_mv
        if wear is not None:
            body[control.WEAR] = wear
        if faults:
            body[control.FAULTS] = [fault[:FAULT_CHARS] for fault in faults[:FAULTS_MAX]]
        if events:
            body[control.REGISTERS] = list(events)
        if shelf:
            body[control.SHELF] = 1
        if counters is not None:
            body[control.COUNTERS] = {cause + 1: n for cause, n in enumerate(counters) if n}
        lost = sorted(acked.lost(state.oldest, state.upto, self._ranges()) + self._gone)
        if lost:
            body[control.LOST] = [list(run) for run in lost[:16]]
        # In a later life each one says which: a gateway restored from a backup may know only an earlier one.
        return self._frame(JOIN if self._identity.life else CONTROL, ACK_REQUESTED, control.encode(body))

    def _ranges(self):
        r = self._state.ranges
        return [(r[i], r[i + 1]) for i in range(0, 8, 2) if r[i + 1]]

    def _open_runs(self, since=0):
        """Runs from `since` on, neither sent in this conversation nor acknowledged, newest first."""
        state = self._state
        upto, ranges = acked.merge(
            state.upto, self._ranges(), 0, self._sent + self._gone + self._there, most=99
        )
        return acked.pending(max(state.oldest, since), state.next_seq, upto, ranges)

    def next_data(self, frame_size, since=0, ask=True):
        """Return a frame with the newest records that are still to be sent, or None.

        Only records from `since` on. `ask` None: it asks for an answer only if it is the last one.
        """
        while True:
            runs = self._open_runs(since)
            if not runs:
                return None
            first, last = runs[0]
            first = max(first, last + 1 - RECORDS_MAX)
            run = _newest_run(list(self._backlog.read(first, last)))
            held = run[-1][0].seq if run else first - 1
            if held < last:
                self._gone.append((held + 1, last))
                self.wants_status = True  # it says so, see LOST
            if not run:
                continue
            clock = run[0][1]
            records = [record for record, _ in run]
            size = frame_size - HEADER_SIZE - TAG_SIZE
            while True:  # as many of the newest as fit one frame
                flags, body, n = encode_most(
                    self._schema, self._quantities, self._state.epoch, clock, records, size
                )
                if n == len(records):
                    break
                records = records[-n:]
            self._sent.append((records[0].seq, records[-1].seq))
            if ask is None:
                ask = not self.unsent()
            return self._frame(DATA, flags | ACK_REQUESTED if ask else flags, body)

    def unsent(self, since=0):
        """True while there are records that this conversation has neither sent nor seen acknowledged."""
        return bool(self._open_runs(since))

    def receiving(self):
        """True while new settings are on their way."""
        return retained.INCOMING in self._state.notes

    def registered(self):
        """True when the gateway knows this epoch."""
        return self._identity.epoch == self._state.epoch

    def settled(self):
        """True when all that was sent in this conversation is acknowledged, or a STATUS must come first."""
        ranges = self._ranges()
        for first, last in self._sent:
            if acked.pending(first, last + 1, self._state.upto, ranges):
                return self.wants_status
        return True

    def unacknowledged(self):
        """True while the backlog holds records the gateway has not acknowledged."""
        state = self._state
        return bool(acked.pending(state.oldest, state.next_seq, state.upto, self._ranges()))

    # Receiving

    def take(self, frame):
        """Take one downlink. Returns True when it was for this node and could be opened."""
        try:
            header = parse_header(frame)
            if header.node != self._node:
                return False
            if header.type == WELCOME:
                body = self._welcome(frame)
            elif header.type == CONTROL:
                if self._down is None:
                    self._down = downlink_cipher(
                        self._identity.sealing_key(), self._identity.gateway, self._identity.store
                    )
                body = control.decode(self._down.open(frame))
            else:
                return False
            self._obey(body)
        except (FrameError, TypeError, ValueError, IndexError, KeyError):
            self._state.count(control.REFUSED)  # a downlink that could not be opened
            return False
        return True

    def _welcome(self, frame):
        """A store this node does not know, or a node the store does not: believed only if it is fresh."""
        gateway = bytes(frame[HEADER_SIZE : HEADER_SIZE + 4])
        store = bytes(frame[HEADER_SIZE + 4 : WELCOME_SIZE])
        cipher = downlink_cipher(self._identity.sealing_key(), gateway, store)
        body = control.decode(cipher.open(frame, WELCOME_SIZE))
        told = body[control.TIME]
        if not isinstance(told, list) or told[0] not in self._asked:
            raise FrameError("this welcome answers nothing that was asked")
        identity = self._identity
        if (identity.gateway, identity.store) != (gateway, store):
            identity.gateway, identity.store, identity.epoch = gateway, store, 0
            identity.save()
            self._state.upto = 0  # another store: it says itself what it has
            self._state.ranges = (0,) * 8
        self._down = cipher
        return body

    def _take_settings(self, piece, changes):
        from node import incoming

        try:
            self.arrived = incoming.take(self._state, piece, changes)
            self.more = not self.arrived
        except (OSError, MemoryError):  # there is another time
            self._state.count(control.FLASH)
        except ValueError:  # settings this node can not use; what else the answer says holds
            self._state.count(control.REFUSED)

    def _take_gaps(self, told):
        """The gateway says what it lacks, and so what need not be sent: more than an ACK can hold."""
        state = self._state
        epoch, at = told[:2]
        if epoch != state.epoch & 0xFF:
            return
        for i in range(2, len(told) - 1, 2):
            first = at + told[i]
            at = first + told[i + 1]
            if told[i] < 0 or not first < at <= state.next_seq:
                return
            self._there.append((first, at - 1))

    def _obey(self, body):
        state = self._state
        if control.TIME in body:
            counter, utc_ms = body[control.TIME]
            asked = self._asked.get(counter)
            if asked is not None:
                self._clock.learn(utc_ms, self._clock.elapsed_ms(asked))
                for key in (control.SETTINGS, control.CHANGES):
                    if key in body and not self.arrived:
                        self._take_settings(body[key], key == control.CHANGES)
                if control.GAPS in body:
                    self._take_gaps(body[control.GAPS])
        if body.get(control.EPOCH_OK) == state.epoch:
            self.wants_status = False
            if self._identity.epoch != state.epoch:
                self._identity.epoch = state.epoch
                self._identity.save()
        if body.get(control.ASK) == control.ASK_STATUS:
            self.wants_status = True
        if control.ACK in body:
            epoch, upto = body[control.ACK][:2]
            if epoch == state.epoch & 0xFF and upto <= state.next_seq:
                told = [(first, last) for first, last in body[control.ACK][2:]]
                state.upto, ranges = acked.merge(state.upto, self._ranges(), upto, told)
                flat = [n for run in ranges for n in run]
                state.ranges = tuple(flat + [0] * (8 - len(flat)))


def _newest_run(found):
    """Return the newest of `found` that follow one another and share a clock, ascending."""
    run: "list" = []
    for record, clock in reversed(found):
        if run and (record.seq != run[-1][0].seq - 1 or clock != run[-1][1]):
            break
        run.append((record, clock))
    run.reverse()
    return run
