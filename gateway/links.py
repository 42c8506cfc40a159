"""The gateway's end of the conversation with one node: keys, counters, what it has been told.

Lives in memory, restored from the store at start; ingest writes each change back with the records it
belongs to. Counters for downlinks are taken from a block that the store has reserved before, so that no
crash can make one be used twice.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.model import Anchor, Epoch, NodeState, Reception
from gateway.replay import ReplayWindow
from gateway.shelved import said_ms
from wire.frame import CONTROL, COUNTER_MAX, HEADER_SIZE, JOIN, JOIN_SIZE, WELCOME, Header, pack_header
from wire.seal import downlink_cipher, life_key, uplink_cipher

RESERVED_AHEAD = 1024  # downlink counters of one block; a crash wastes what is left of it
SPARE = 64  # left in the block at least, for other carriers' frames of the node in the same commit
KEY_CHECK_SIZE = 8
# An epoch in a store that was put back: the node may have begun another since, with the same short form.
UNCONFIRMED = COUNTER_MAX + 1
RECEIVERS_MAX = 8  # of one node that are remembered


class NoCounter(Exception):
    """A downlink cannot be sealed: there is no counter left that was surely never used."""


class OldLife(Exception):
    """A frame of a life of the node that is over."""


class NodeLink:
    """`epochs` has the epoch that each short form stands for: the one introduced last.

    `life`: a node that lost its counter begins another one, with a key of its own (see SPEC.md, section 6).
    """

    def __init__(self, node: int, key: bytes, gateway_id: bytes, store_id: bytes) -> None:
        self.node = node
        self.window = ReplayWindow()
        self.welcomed = False
        self.epochs: dict[int, Epoch] = {}
        self.anchors: dict[int, tuple[Anchor, ...]] = {}  # by clock id, the last to get one last
        self.receptions: dict[str, Reception] = {}  # by receiver, how it heard the node last
        self.last_seen_ms = 0
        self.status_at_ms: int | None = None
        self.status = "{}"
        self.reserved = 0  # as the store has it
        self._next = 0
        self._root = key
        self._gateway_id, self._store_id = gateway_id, store_id
        self._use(0)

    def _use(self, life: int) -> None:
        key = life_key(self._root, life)
        self.life = life
        self._uplink = uplink_cipher(key)
        self._downlink = downlink_cipher(key, self._gateway_id, self._store_id)
        self._key_check = hashlib.sha256(b"sensornett key check" + key).digest()[:KEY_CHECK_SIZE]

    def restore(
        self, state: NodeState, epochs: Iterable[Epoch], anchors: Mapping[int, Sequence[Anchor]]
    ) -> None:
        """Go on from what the store has of this node."""
        by_age = sorted(anchors.items(), key=lambda item: item[1][-1].utc_ms)
        self.anchors = {clock_id: tuple(found) for clock_id, found in by_age}
        self.last_seen_ms = state.last_seen_ms
        self.status_at_ms = state.status_at_ms
        self.status = state.status
        self.reserved = self._next = state.downlink_reserved
        self._use(state.life)
        same_key = state.key_check == self._key_check
        if not same_key:
            self._use(0)
            self.anchors = {}  # the ids of its clocks begin anew too
        else:
            self.window = ReplayWindow(state.highest, state.seen)
            self.welcomed = state.welcomed
        since = None if self.welcomed else UNCONFIRMED if same_key else 0
        self.epochs = {e.short: e if since is None else replace(e, since=since) for e in epochs}

    @property
    def shelved_at_ms(self) -> int | None:
        """Since when it is on the shelf, as its last STATUS said; None: it is at work."""
        return said_ms(self.status, self.status_at_ms)

    def open(self, header: Header, frame: bytes) -> tuple[bytes, int]:
        """Return the body of an authentic frame and the life it is of. Raises FrameError, OldLife."""
        if header.type != JOIN:
            return self._uplink.open(frame), self.life
        life = int.from_bytes(frame[HEADER_SIZE:JOIN_SIZE], "big")
        if life < self.life:
            raise OldLife(f"life {life}, the node is in its life {self.life}")
        cipher = self._uplink if life == self.life else uplink_cipher(life_key(self._root, life))
        return cipher.open(frame, JOIN_SIZE), life

    def begin(self, life: int) -> tuple[list[int], list[Epoch]]:
        """The node has begun another life: counters start again, and so do the ids of its clocks.

        Returns the ids of clocks that are forgotten, and the epochs that are not as they were.
        """
        self._use(life)
        self.window = ReplayWindow()
        self.welcomed = False
        clocks = list(self.anchors)
        self.anchors = {}
        changed = {short: replace(epoch, since=0) for short, epoch in self.epochs.items() if epoch.since}
        self.epochs |= changed
        return clocks, list(changed.values())

    def heard_by(self, receptions: Iterable[Reception]) -> None:
        """Remember how its last frames were heard, by the receivers that did."""
        for reception in receptions:
            self.receptions.pop(reception.receiver, None)
            self.receptions[reception.receiver] = reception
        while len(self.receptions) > RECEIVERS_MAX:
            del self.receptions[next(iter(self.receptions))]

    def state(self, *, welcomed: bool = False, reserve: int = 0) -> NodeState:
        """Return what the store is to have: welcomed, where it is now, and `reserve` counters to use next."""
        reserved = self.reserved
        if reserve and self._next + reserve + SPARE > reserved:
            reserved = self._next + reserve + RESERVED_AHEAD
        return NodeState(
            self.node,
            self._key_check,
            self.window.highest,
            self.window.seen,
            self.welcomed or welcomed,
            reserved,
            self.last_seen_ms,
            self.status_at_ms,
            self.status,
            self.life,
        )

    def stored(self, state: NodeState) -> None:
        """`state` is on disk."""
        self.reserved = max(self.reserved, state.downlink_reserved)
        self.welcomed = self.welcomed or state.welcomed

    def seal(self, body: bytes, *, welcome: bool = False) -> bytes:
        """Return a downlink with the control body `body`. Raises NoCounter."""
        if self._next > COUNTER_MAX:
            raise NoCounter(f"node {self.node} needs a new key: its downlink counters are used up")
        if self._next >= self.reserved:
            raise NoCounter(f"no downlink counter is reserved for node {self.node}")
        counter = self._next
        self._next += 1
        if welcome:
            return self._downlink.seal(
                pack_header(WELCOME, 0, self.node, counter) + self._gateway_id + self._store_id, body
            )
        return self._downlink.seal(pack_header(CONTROL, 0, self.node, counter), body)
