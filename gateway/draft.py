"""What ingest gathers from the frames of one call before it is stored, and how it refuses one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.answers import Answer
from gateway.links import NodeLink
from gateway.model import Anchor, Epoch, Loss, Record, Refusal, RegisterEvent
from gateway.store.change import NOBODY, NodeEpoch


class Refused(Exception):
    """A frame that is not taken; the node hears of it only if it is owed an answer."""

    def __init__(self, cause: Refusal, node: int = NOBODY, why: object = "") -> None:
        super().__init__(why)
        self.cause = cause
        self.node = node


@dataclass(slots=True)
class Draft:
    """What the frames of one call add up to."""

    at_ms: int
    trusted: bool = True
    records: list[Record] = field(default_factory=list)
    touched: dict[NodeEpoch, list[int]] = field(default_factory=dict)
    links: dict[int, NodeLink] = field(default_factory=dict)
    introduced: set[int] = field(default_factory=set)  # nodes that sent a STATUS
    epochs: dict[tuple[int, int], Epoch] = field(default_factory=dict)  # by node and short form
    anchors: dict[tuple[int, int], Sequence[Anchor]] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    registers: list[RegisterEvent] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
