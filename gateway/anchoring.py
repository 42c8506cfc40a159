"""Ties the clocks of a node to UTC: by what a STATUS shows of them, else by the records on both sides.

What it finds goes into the node's link and into the draft that is about to be stored.
"""

import json
from collections.abc import Sequence

import structlog

from gateway import clock
from gateway.draft import Draft
from gateway.links import NodeLink
from gateway.model import Anchor, RegisterEvent, Uplink
from gateway.status import RegisterSaid
from gateway.store import Reader, StoreError
from wire.records import Batch

log = structlog.get_logger()


def note_shown(link: NodeLink, shown: tuple[int, int], received_at_ms: int, draft: Draft) -> None:
    """Take note of what a clock showed (its id and ms) at a moment; the oldest clock beyond a limit goes."""
    clock_id, clock_ms = shown
    new = Anchor(clock_ms, received_at_ms, clock.STATUS_ERROR_MS)
    anchors = clock.with_anchor(link.anchors.pop(clock_id, ()), new)
    draft.anchors[link.node, clock_id] = link.anchors[clock_id] = anchors
    while len(link.anchors) > clock.CLOCKS_MAX:
        oldest = next(iter(link.anchors))
        del link.anchors[oldest]
        draft.anchors[link.node, oldest] = ()


def anchors_for(link: NodeLink, batch: Batch, epoch: int, draft: Draft, reader: Reader) -> Sequence[Anchor]:
    """Return the anchors of the clock that `batch` was timed by; () while nothing ties it to UTC."""
    if batch.clock is None:
        return ()
    return link.anchors.get(batch.clock) or _between_clocks(link, batch, batch.clock, epoch, draft, reader)


def _between_clocks(
    link: NodeLink, batch: Batch, clock_id: int, epoch: int, draft: Draft, reader: Reader
) -> Sequence[Anchor]:
    """Return an anchor for a clock that ended before the gateway heard of it; () while it may go on.

    It has ended if the node showed another clock since, in a STATUS that counts the records of `batch`.
    """
    status = json.loads(link.status)
    present = (status.get("clock") or [0])[0]
    newest = batch.records[-1]
    ended = present != clock_id and status.get("epoch") == epoch and newest.seq < status["next_seq"]
    anchors = link.anchors.get(present, ()) if ended else ()
    if not anchors:
        return ()
    started = clock.place(0, anchors)
    before_ms = started.utc_ms + started.error_ms
    try:
        below, above = reader.neighbours(link.node, epoch, newest.seq, before_ms // 1000)
    except StoreError as error:
        log.warning("clock_not_placed", node=link.node, clock=clock_id, reason=str(error))
        return ()
    after_ms = None if below is None else below.measured_at_s * 1000 - below.time_error_ms
    if above is not None:
        before_ms = min(before_ms, above.measured_at_s * 1000 + above.time_error_ms)
    found = clock.between(newest.time * 1000, after_ms, before_ms)
    draft.anchors[link.node, clock_id] = link.anchors[clock_id] = (found,)
    log.info("clock_placed", node=link.node, clock=clock_id, error_s=found.error_ms // 1000)
    return (found,)


def register_event(link: NodeLink, said: RegisterSaid, uplink: Uplink) -> RegisterEvent:
    """Return what a node said of its meter's registers, placed in time.

    Of a clock that nothing ties to UTC, when the event was heard of is all that is known.
    """
    at_s = said.time_s
    if said.clock:
        anchors = link.anchors.get(said.clock, ())
        at_ms = clock.place(said.time_s * 1000, anchors).utc_ms if anchors else uplink.received_at_ms
        at_s = at_ms // 1000
    return RegisterEvent(
        link.node, said.clock, said.time_s, at_s, said.kind, said.before, said.after, said.registers,
        uplink.received_at_ms,
    )  # fmt: skip
