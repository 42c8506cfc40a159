"""What a node is owed after a commit, and the control bodies that say it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.clock import plausible
from gateway.model import Ack, Uplink
from wire import control

if TYPE_CHECKING:
    from wire.control import Item

    Body = dict[int, Item]


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
    settings: "list[Item] | None" = None
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
        """How many downlinks it takes at most: one, but for a node that sent records of several epochs."""
        return max(1, len(self.acks))

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
        if self.settings is not None and control.TIME in head:
            body[control.SETTINGS] = self.settings
        epochs = sorted(self.acks)
        if not epochs:
            return [body] if body else []
        rest: Sequence[Body] = [dict(head) for _ in epochs[1:]]
        for epoch, one in zip(epochs, [body, *rest], strict=True):
            one[control.ACK] = _ack(epoch, acks[epoch])
        return [body, *rest]


def _ack(epoch: int, ack: Ack) -> "list[Item]":
    ranges: list[Item] = [[first, last] for first, last in ack.ranges]
    return [epoch & 0xFF, ack.upto, *ranges]
