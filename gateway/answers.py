"""What a node is owed after a commit, and the control bodies that say it. Pure.

By radio an answer has to be short. What it is for comes first: acknowledgement, time, epoch. What the gateway
lacks and a piece of new settings go along where they fit, and where there is airtime for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.clock import plausible
from gateway.model import Ack, Uplink
from gateway.outgoing import PIECE, Offer
from wire import control
from wire.airtime import airtime_ms

if TYPE_CHECKING:
    from wire.control import Item

    Body = dict[int, Item]

FULL_MS = 800  # what an answer by radio may take with all that goes along ...
FULL_LEAST, FULL_MOST = 80, 222  # ... but so many bytes in any case, and never more
PIECE_LEAST = 16


@dataclass(slots=True)
class Answer:
    """Filled while the node's frames are taken. `counter` and `uplink` are of the newest of them.

    `acks` holds the full epochs to acknowledge. A welcome names the store to a node that may not know it.
    """

    uplink: Uplink
    counter: int
    welcome: bool = False
    time: bool = False
    ask_status: bool = False
    epoch_ok: int | None = None
    settings: Offer | None = None
    acks: set[int] = field(default_factory=set)

    def follow(self, uplink: Uplink, counter: int) -> None:
        """Of several frames the newest is the one that is answered."""
        if counter > self.counter:
            self.uplink, self.counter = uplink, counter

    def _answered_ms(self, now_ms: int) -> int:
        """Return what a node takes for the middle of the exchange: by radio an answer has to wait."""
        uplink = self.uplink
        return uplink.received_at_ms + uplink.answer_in_ms // 2 if uplink.answer_in_ms else now_ms

    @property
    def value(self) -> int:
        """See Downlink."""
        return 2 if self.welcome or self.epoch_ok is not None else 1 if self.ask_status else 0

    @property
    def downlinks(self) -> int:
        """How many frames are sealed at most: for each epoch one, and by radio the first one twice."""
        return max(1, len(self.acks)) + (1 if self.uplink.answer_in_ms else 0)

    def bodies(self, acks: Mapping[int, Ack], *, welcome: bool, now_ms: int) -> "list[Body]":
        """Return the control bodies to send, `acks` by full epoch.

        A welcome is only believed with the time in it, so there is none while the clock cannot be right.
        """
        if welcome and not plausible(now_ms):
            return []
        head: Body = {}
        if welcome or (self.time and plausible(now_ms)):
            head[control.TIME] = [self.counter, self._answered_ms(now_ms)]
        body = dict(head)
        if self.epoch_ok is not None:
            body[control.EPOCH_OK] = self.epoch_ok
        if self.ask_status:
            body[control.ASK] = control.ASK_STATUS
        epochs = sorted(self.acks)
        if not epochs:
            return [body] if body else []
        rest: Sequence[Body] = [dict(head) for _ in epochs[1:]]
        for epoch, one in zip(epochs, [body, *rest], strict=True):
            one[control.ACK] = _ack(epoch, acks[epoch])
        return [body, *rest]

    def extras(self, body: "Body", acks: Mapping[int, Ack], overhead: int) -> "Body":
        """Return what may be added to the first of the bodies; `overhead` bytes of its frame are no body.

        Only beside the time: what a node is told here must be fresh.
        """
        if control.TIME not in body:
            return {}
        room = self._room() - overhead - len(control.encode(body))
        added: Body = {}
        epoch = min(self.acks, default=0)
        gaps = _fitting_gaps(epoch, acks[epoch], room) if epoch else []
        if gaps:
            added[control.GAPS] = gaps
            room -= _size(added)
        if self.settings is not None:
            offer = self.settings
            size = PIECE
            if self.uplink.answer_in_ms:
                size = max(room - _size({offer.key: offer.piece(0)}) - 1, PIECE_LEAST)
            added[offer.key] = offer.piece(size)
        return added

    def _room(self) -> int:
        """Return how many bytes the frame may have."""
        if not self.uplink.answer_in_ms:
            return PIECE
        if not self.uplink.receptions:
            return FULL_LEAST
        sf, bw = self.uplink.receptions[0].spreading_factor, self.uplink.receptions[0].bandwidth_khz
        fitting = (n for n in range(FULL_MOST, FULL_LEAST, -1) if airtime_ms(n, sf, bw) <= FULL_MS)
        return next(fitting, FULL_LEAST)


def _size(body: "Body") -> int:
    return len(control.encode(body)) - 1


def _fitting_gaps(epoch: int, ack: Ack, room: int) -> "list[Item]":
    """Return [short epoch, from, lacking, there, ...] of the newest gaps that fit; [] where none does."""
    for skipped in range(len(ack.gaps)):
        gaps = ack.gaps[skipped:]
        ends = [first for first, _ in gaps[1:]] + [ack.highest + 1]
        told: list[Item] = [epoch & 0xFF, gaps[0][0]]
        for (first, last), end in zip(gaps, ends, strict=True):
            told += [last + 1 - first, end - last - 1]
        if _size({control.GAPS: told}) <= room:
            return told
    return []


def _ack(epoch: int, ack: Ack) -> "list[Item]":
    ranges: list[Item] = [[first, last] for first, last in ack.ranges]
    return [epoch & 0xFF, ack.upto, *ranges]
