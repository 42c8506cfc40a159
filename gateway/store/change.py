"""What goes into one transaction, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model import Ack, Anchor, Epoch, Loss, NodeState, Record, Refusal, RegisterEvent, Uplink

NOBODY = -1  # in the place of a node id: a frame nobody here has the key of

NodeEpoch = tuple[int, int]


class StoreError(Exception):
    """The store can not be opened or can not take a change; nothing of the change is in it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that ingesting some frames changes: all of it is committed, or none.

    `acks` names the epochs whose acknowledgement is wanted, with the sequences just received, stored
    before or not. `anchors` holds the whole of a clock's anchors; an empty sequence forgets the clock.
    """

    records: Sequence[Record] = ()
    acks: Mapping[NodeEpoch, Sequence[int]] = field(default_factory=dict)
    nodes: Sequence[NodeState] = ()
    epochs: Sequence[Epoch] = ()
    anchors: Mapping[tuple[int, int], Sequence[Anchor]] = field(default_factory=dict)
    losses: Sequence[Loss] = ()
    registers: Sequence[RegisterEvent] = ()
    refusals: Mapping[tuple[Refusal, int], int] = field(default_factory=dict)
    unknown: Sequence[Uplink] = ()
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a committed change came to. Counts of records; `acks` as asked for."""

    stored: int
    duplicates: int
    acks: Mapping[NodeEpoch, Ack]
