"""The conversation over LoRa, as a generator like that in conversation.py. Pure policy.

Airtime is what is scarce, so a report goes up once, mostly without asking for an answer. Every sixth asks;
the answer acknowledges all six, tells the time and shows what is missing, which is then sent in spare
airtime, newest first. Where answers stay away the node asks less often. A gateway that has new settings asks
for a STATUS; they come in the answers to that and to the ones that follow it.

Where the site has a slower spreading factor to fall back on, a node that is not answered asks with that now
and then. It reports with it only once it has been answered so and, right after, not with the fast one: when
a gateway is away nothing is wrong with the link, and all nodes at the slow one would leave no air to any.
"""

import struct

from wire.frame import ACK_REQUESTED

SILENT_ASK = (6, 1, 2, 4, 8, 12)  # every how manyth report asks, after so many questions without an answer
STATUS_EVERY_S = 86400
ASK_TIME_S = 3600  # an RC clock drifts many seconds in an hour
SYNC_WITHIN_S = 7200  # then the time alone is worth a STATUS
SLOW_AFTER = 4  # questions without an answer until every second one is slow
FAST_TRIES = 2  # questions with the fast one after the slow one was answered
SLOW_REPORTS = (6, 144)  # reports that stay slow where only that helps: first, and at most
STATUS_ROOM = 120  # bytes a STATUS may take
SETTINGS_ROUNDS = 4  # pieces of new settings taken in one conversation
BACKFILL_FRAMES = 4  # of one conversation
BACKFILL_MS = 3000  # of airtime in one conversation, but one frame at least: bounds what a wake costs
BACKFILL_PERMILLE = 500  # of the airtime that is to spare; the rest is for reports and events

_FORMAT = "<IBBBB"
SIZE = struct.calcsize(_FORMAT)


class Habits:
    """What the conversation remembers over a sleep. Losing it costs airtime, never a record."""

    def __init__(self):
        self.fresh = 0  # first sequence that was never sent
        self.unasked = SILENT_ASK[0]  # reports since the last question
        self.silent = 0  # questions in a row without an answer
        self.slow = 0  # reports that are still to go out at the slow spreading factor
        self.span = 0  # reports of the last such spell; 1: perhaps one is needed, 0: the fast one works

    def pack(self):
        return struct.pack(_FORMAT, self.fresh, self.unasked, self.silent, self.slow, self.span)

    def unpack(self, raw):
        found = struct.unpack(_FORMAT, raw[:SIZE])
        self.fresh, self.unasked, self.silent, self.slow, self.span = found

    def may_ask(self):
        """Whether it is time for a question: every sixth report, after a lost answer sooner, then later."""
        return self.unasked + 1 >= SILENT_ASK[min(self.silent, len(SILENT_ASK) - 1)]

    def is_slow(self, asks):
        """Whether a report goes out slow, or a question if it `asks`."""
        if self.slow or not asks:
            return self.slow > 0
        if self.span:
            return self.silent >= FAST_TRIES
        return self.silent >= SLOW_AFTER and self.silent % 2 == 0

    def reported(self):
        self.slow = max(self.slow - 1, 0)
        self.unasked = min(self.unasked + 1, 255)

    def answered(self, slow):
        """`slow`: it was the slow spreading factor that was answered."""
        tried, self.silent, self.unasked = self.silent, 0, 0
        if not slow:
            self.span = 0
        elif not self.span:
            self.span = 1
            self.unasked = SILENT_ASK[0]  # the next report asks whether the fast one works
        elif tried >= FAST_TRIES and not self.slow:
            self.slow = self.span = min(max(2 * self.span, SLOW_REPORTS[0]), SLOW_REPORTS[1])

    def missed(self):
        self.silent = min(self.silent + 1, 255)
        self.unasked = 0


def status_due(state, clock):
    """Whether the node should introduce itself: never did, a day has passed, or it hardly knows the time."""
    age_s = clock.age_s()
    return (
        not state.status_s
        or clock.now_ms() // 1000 - state.status_s >= STATUS_EVERY_S
        or age_s is None
        or age_s >= SYNC_WITHIN_S
    )


def converse(uplink, state, clock, carrier, status, habits, urgent=False):
    """Report what was never sent, then what the gateway lacks. `urgent`: something happened.

    Yields how many milliseconds it is willing to wait and is sent a downlink, or None when there is none.
    Ends with False where a question stayed without an answer. Raises OSError from the carrier.
    """
    uplink.begin()
    if status_due(state, clock) or not uplink.registered() or uplink.receiving():
        uplink.wants_status = True
    age_s = clock.age_s()
    time_is_old = not habits.silent and age_s is not None and age_s >= ASK_TIME_S
    asks = urgent or time_is_old or habits.may_ask()
    slow = habits.is_slow(asks)
    carrier.use_slow(slow)
    asked = answered = False
    if asks and uplink.wants_status and carrier.room(STATUS_ROOM):
        asked = True
        answered = yield from _introduce(uplink, state, clock, carrier, status, habits, slow)
    if not asked:
        habits.reported()
    if not uplink.registered():  # the gateway does not know this backlog: it would refuse the data
        return answered or not asked
    frame = _report(uplink, state, carrier, habits, asks and not asked)
    if frame is not None:
        carrier.send(frame)
        if asks and not asked:
            asked = True
            answered = yield from _answer(uplink, carrier, habits, slow)
    if answered:
        answered = yield from _backfill(uplink, carrier, habits, slow)
    for _ in range(SETTINGS_ROUNDS):
        # A battery node begins with new settings at its next wake: nothing is left to ask for then.
        if not answered or uplink.arrived or not (uplink.more or uplink.wants_status):
            break
        if not carrier.room(STATUS_ROOM) or not carrier.frames(BACKFILL_PERMILLE, BACKFILL_MS):
            break
        answered = yield from _introduce(uplink, state, clock, carrier, status, habits, slow)
    if uplink.arrived:
        habits.unasked = SILENT_ASK[0]  # the next report asks: who uses them is to be heard of
    return answered or not asked


def _introduce(uplink, state, clock, carrier, status, habits, slow):
    """Send a STATUS; returns whether it was answered."""
    uplink.more = False
    uplink.wants_status = True
    carrier.send(status())
    answered = yield from _answer(uplink, carrier, habits, slow)
    if answered and not uplink.wants_status:
        state.status_s = max(clock.now_ms() // 1000, 1)
    return answered


def _report(uplink, state, carrier, habits, asks):
    """Return a frame with what was never sent, or the newest of it; None: nothing, or no airtime."""
    habits.fresh = min(habits.fresh, state.next_seq)
    size = carrier.room()
    if not size or not uplink.unsent(habits.fresh):
        return None
    frame = uplink.next_data(size, habits.fresh, asks)
    habits.fresh = state.next_seq
    return frame


def _backfill(uplink, carrier, habits, slow):
    """The gateway hears this node and has said what it has: send what it lacks, in spare airtime.

    The last frame of the burst asks; returns whether it was answered, True where there was nothing to send.
    """
    count = min(BACKFILL_FRAMES, carrier.frames(BACKFILL_PERMILLE, BACKFILL_MS))
    for i in range(count):
        frame = uplink.next_data(carrier.frame_max, 0, True if i == count - 1 else None)
        if frame is None:
            return True
        carrier.send(frame)
        if frame[0] & ACK_REQUESTED:
            return (yield from _answer(uplink, carrier, habits, slow))
    return True


def _answer(uplink, carrier, habits, slow):
    """Listen for the answer to what was just sent; returns whether there was one."""
    while True:
        frame = yield carrier.answer_ms
        if frame is None:
            habits.missed()
            return False
        if uplink.take(frame):
            habits.answered(slow)
            return True
