"""The one path a record takes, from a carrier to the store. No I/O of its own.

1. What is not authentic is counted and otherwise ignored; so is a frame that was taken before.
2. A record's time is settled here, once.
3. Records, what was heard, and the replay window they came through are one transaction.
4. An answer is built only after that transaction is on disk: one for each node that is owed one.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from gateway import clock
from gateway.anchoring import anchors_for, note_shown, register_event
from gateway.answers import Answer
from gateway.draft import Draft, Refused
from gateway.lately import Lately
from gateway.links import UNCONFIRMED, NoCounter, NodeLink, OldLife
from gateway.model import FRAME_MAX, Downlink, Epoch, Loss, NodeState, Refusal, Uplink
from gateway.outgoing import Outgoing
from gateway.settle import runs_ahead, settle
from gateway.status import read_status
from gateway.store import Change, Outcome, Store, StoreError
from gateway.store.change import NOBODY
from wire import control
from wire.frame import (
    ACK_REQUESTED,
    CONTROL,
    DATA,
    HEADER_SIZE,
    JOIN,
    TAG_SIZE,
    WELCOME_SIZE,
    FrameError,
    Header,
    parse_header,
)
from wire.records import UnknownSchema, decode

log = structlog.get_logger()

UNKNOWN_KEPT = 256  # raw frames of unknown nodes held back for the next commit


class Ingest:
    """Takes the uplinks of all carriers of one gateway.

    keys: node id -> 16-byte key. schemas: schema id -> quantity ids. now_ms: UTC in ms. trusted: whether
    that clock may overrule a node's (see `clock.synchronised`). foreign: is given the frames by radio that no
    node of ours has sent.
    """

    def __init__(
        self,
        store: Store,
        *,
        keys: Mapping[int, bytes],
        schemas: Mapping[int, tuple[int, ...]],
        gateway_id: bytes,
        now_ms: Callable[[], int] = clock.utc_ms,
        trusted: Callable[[], bool] = lambda: True,
        outgoing: Outgoing | None = None,
        foreign: Callable[[Uplink], None] = lambda _: None,
    ) -> None:
        self._outgoing = outgoing
        self._store = store
        self._schemas = dict(schemas)
        self._now_ms = now_ms
        self._trusted = trusted
        self._refusals: Counter[tuple[Refusal, int]] = Counter()  # not in the store yet
        self._unknown: list[Uplink] = []  # likewise
        self.totals = Counter(store.reader.refusals())
        self.links = {
            node: NodeLink(node, key, gateway_id, store.store_id) for node, key in sorted(keys.items())
        }
        self._asked: set[int] = set()  # nodes that are to send a STATUS
        self._foreign = foreign
        self._lately = Lately()
        self._restore()

    def _restore(self) -> None:
        reader = self._store.reader
        epochs, anchors = reader.epochs(), reader.anchors()
        for state in reader.nodes():
            node = state.node
            if node in self.links:
                self.links[node].restore(
                    state,
                    [e for e in epochs if e.node == node],
                    {clock_id: found for (n, clock_id), found in anchors.items() if n == node},
                )

    async def accept(self, uplinks: Sequence[Uplink]) -> list[Downlink]:
        """Take `uplinks`; return the answers owed, once everything they are about is on disk.

        Where the store takes nothing there are no answers: the nodes keep their records and send again.
        """
        draft = Draft(self._now_ms(), self._trusted())
        for uplink in uplinks:
            try:
                self._take(uplink, draft)
            except Refused as refused:
                self._refuse(refused, uplink)
            except Exception:
                # A fault of ours that one frame brings out must not stop all nodes: it is not acknowledged,
                # so its node keeps what was in it.
                log.exception("frame_broke_ingest", frame=uplink.frame[:FRAME_MAX].hex())
                self._refuse(Refused(Refusal.MALFORMED), uplink)
        if not draft.links:
            return []
        states = [self._state(link, draft) for link in draft.links.values()]
        try:
            outcome = await self._append(draft, states)
        except StoreError as error:
            log.error("frames_not_stored", frames=len(uplinks), reason=str(error))  # noqa: TRY400
            return []
        for state in states:
            self.links[state.node].stored(state)
        for epoch in draft.epochs.values():
            self.links[epoch.node].epochs[epoch.short] = epoch
        return self._answers(draft, outcome)

    def shelved_ms(self) -> dict[int, int]:
        """Return since when the nodes are on the shelf that said so in their last STATUS."""
        return {node: at_ms for node, link in self.links.items() if (at_ms := link.shelved_at_ms)}

    async def ask_status(self, node: int) -> Downlink:
        """Return a downlink that makes `node` send a STATUS. KeyError for an unknown node, StoreError.

        A node that does not listen now is asked in the answer to its next question.
        """
        link = self.links[node]
        self._asked.add(node)
        state = link.state(reserve=1)
        await self._store.append(Change(nodes=[state]))
        link.stored(state)
        return Downlink(node, link.seal(control.encode({control.ASK: control.ASK_STATUS})))

    async def flush(self) -> None:
        """Write what was counted and kept of refused frames since the last commit. Raises StoreError."""
        if self._refusals or self._unknown:
            await self._append(Draft(self._now_ms()), [])

    # One frame

    def _take(self, uplink: Uplink, draft: Draft) -> None:
        frame = uplink.frame
        if len(frame) > FRAME_MAX:
            raise Refused(Refusal.TOO_LARGE, why=f"{len(frame)} bytes")
        try:
            header = parse_header(frame)
        except FrameError as error:
            raise Refused(Refusal.MALFORMED, why=error) from None
        node = header.node
        link = self.links.get(node)
        if link is None:
            raise Refused(Refusal.UNKNOWN_NODE, why=f"node {node}")
        if header.type not in (DATA, CONTROL, JOIN):
            raise Refused(Refusal.WRONG_TYPE, node)
        try:
            plain, life = link.open(header, frame)
        except FrameError as error:
            raise Refused(Refusal.BAD_TAG, node, error) from None
        except OldLife as error:
            raise Refused(Refusal.REPLAY, node, error) from None
        if life != link.life:
            self._begin_life(link, life, draft)
        again = self._lately.by_another_way(uplink)
        if not link.window.admit(header.counter):
            if again:
                link.heard_by(uplink.receptions)
                raise Refused(Refusal.HEARD_AGAIN, node)
            raise Refused(Refusal.REPLAY, node, f"counter {header.counter}")
        link.last_seen_ms = uplink.received_at_ms
        link.heard_by(uplink.receptions)
        draft.links[node] = link
        if header.type == DATA:
            self._take_records(link, uplink, header, plain, draft)
        else:
            self._take_status(link, uplink, header, plain, draft)

    @staticmethod
    def _begin_life(link: NodeLink, life: int, draft: Draft) -> None:
        """A node lost its counters, or came to their end, and has begun another life."""
        log.info("node_in_another_life", node=link.node, life=life)
        clocks, epochs = link.begin(life)
        draft.anchors |= {(link.node, clock_id): () for clock_id in clocks}
        draft.epochs |= {(link.node, epoch.short): epoch for epoch in epochs}

    def _take_records(
        self, link: NodeLink, uplink: Uplink, header: Header, plain: bytes, draft: Draft
    ) -> None:
        node = link.node
        try:
            batch = decode(header.flags, plain, self._schemas)
        except UnknownSchema as error:
            raise Refused(Refusal.UNKNOWN_SCHEMA, node, error) from None
        except FrameError as error:
            raise Refused(Refusal.MALFORMED, node, error) from None
        epoch = link.epochs.get(batch.epoch)
        if epoch is None or header.counter < epoch.since:
            self._answer(draft, uplink, header).ask_status = True
            raise Refused(Refusal.UNKNOWN_EPOCH, node, f"short epoch {batch.epoch}")
        anchors = anchors_for(link, batch, epoch.epoch, draft, self._store.reader)
        records = settle(batch, uplink, node, epoch.epoch, anchors, trusted=draft.trusted)
        if records is None:
            self._answer(draft, uplink, header).ask_status = True
            raise Refused(Refusal.UNKNOWN_CLOCK, node, f"clock {batch.clock}")
        draft.records += records
        ahead = runs_ahead(batch, uplink.received_at_ms)
        if header.flags & ACK_REQUESTED or ahead:
            answer = self._answer(draft, uplink, header)
            # By radio an answer is rare: it tells the time too, or the node would have to ask for that.
            answer.time = answer.time or ahead or uplink.answer_in_ms > 0
            answer.ask_status = answer.ask_status or node in self._asked or self._has_settings(link, uplink)
            answer.acks.add(epoch.epoch)
            draft.touched.setdefault((node, epoch.epoch), []).extend([r.seq for r in records])

    def _take_status(
        self, link: NodeLink, uplink: Uplink, header: Header, plain: bytes, draft: Draft
    ) -> None:
        node = link.node
        try:
            body = control.decode(plain)
            status = read_status(body, newest=header.counter == link.window.highest)
        except FrameError as error:
            raise Refused(Refusal.MALFORMED, node, error) from None
        link.status, link.status_at_ms = status.text, uplink.received_at_ms
        if link.shelved_at_ms:
            log.info("node_on_the_shelf", node=node)
        draft.introduced.add(node)
        self._asked.discard(node)
        answer = self._answer(draft, uplink, header)
        answer.welcome = True  # whoever introduces itself may not know this store yet
        answer.time = True
        if self._outgoing is not None:
            answer.settings = self._outgoing.offer(node, body)
        if status.clock is not None and clock.plausible(uplink.received_at_ms):
            note_shown(link, status.clock, uplink.received_at_ms - uplink.airtime_ms, draft)
        draft.registers += [register_event(link, said, uplink) for said in status.registers]
        epoch = Epoch(node, status.epoch, draft.at_ms, status.next_seq)
        known = draft.epochs.get((node, epoch.short)) or link.epochs.get(epoch.short)
        if known is not None:
            same = known.epoch == epoch.epoch and known.since != UNCONFIRMED
            since = known.since if same else header.counter
            epoch = replace(epoch, since=since)
        draft.epochs[node, epoch.short] = epoch
        answer.epoch_ok = status.epoch
        answer.acks.add(status.epoch)
        draft.touched.setdefault((node, status.epoch), [])
        for first, last in status.lost:
            draft.losses.append(Loss(node, status.epoch, first, last, "overwritten", draft.at_ms))
        if status.oldest_seq:
            draft.losses.append(Loss(node, status.epoch, 0, status.oldest_seq - 1, "gone", draft.at_ms))

    def _has_settings(self, link: NodeLink, uplink: Uplink) -> bool:
        """Whether there are new settings for a node whose STATUS is rare: by radio it comes once a day."""
        if self._outgoing is None or not uplink.answer_in_ms:
            return False
        return self._outgoing.asks(link.node, json.loads(link.status).get("config"))

    @staticmethod
    def _answer(draft: Draft, uplink: Uplink, header: Header) -> Answer:
        """Return what the node is owed."""
        answer = draft.answers.get(header.node)
        if answer is None:
            answer = draft.answers[header.node] = Answer(uplink, header.counter)
        else:
            answer.follow(uplink, header.counter)
        return answer

    # Before and after the commit

    def _refuse(self, refused: Refused, uplink: Uplink) -> None:
        key = (refused.cause, refused.node)
        self._refusals[key] += 1
        self.totals[key] += 1
        count = self.totals[key]
        if count & (count - 1) == 0:  # 1, 2, 4, 8, ...: a flood of bad frames must not flood the log
            node = None if refused.node == NOBODY else refused.node
            log.warning("frame_refused", cause=str(refused.cause), node=node, count=count, why=str(refused))
        if refused.cause in (Refusal.UNKNOWN_NODE, Refusal.BAD_TAG) and uplink.receptions and not uplink.via:
            self._foreign(uplink)  # another site may have a node of the same number
        if refused.cause is Refusal.UNKNOWN_NODE:
            self._unknown.append(uplink)
            del self._unknown[:-UNKNOWN_KEPT]

    def _state(self, link: NodeLink, draft: Draft) -> NodeState:
        answer = draft.answers.get(link.node)
        # No welcome goes out while the clock cannot be right, see `Answer.bodies`.
        welcomed = link.node in draft.introduced and clock.plausible(draft.at_ms)
        return link.state(welcomed=welcomed, reserve=answer.downlinks if answer else 0)

    async def _append(self, draft: Draft, states: Sequence[NodeState]) -> Outcome:
        refusals, self._refusals = self._refusals, Counter()
        unknown, self._unknown = self._unknown, []
        change = Change(
            records=draft.records,
            acks=draft.touched,
            nodes=states,
            epochs=list(draft.epochs.values()),
            anchors=draft.anchors,
            losses=draft.losses,
            registers=draft.registers,
            refusals=refusals,
            unknown=unknown,
            at_ms=draft.at_ms,
        )
        try:
            return await self._store.append(change)
        except StoreError:
            self._refusals.update(refusals)
            self._unknown = [*unknown, *self._unknown][-UNKNOWN_KEPT:]
            raise

    def _answers(self, draft: Draft, outcome: Outcome) -> list[Downlink]:
        downlinks = []
        now_ms = self._now_ms()
        for node, answer in draft.answers.items():
            link = self.links[node]
            welcome = answer.welcome or not link.welcomed
            acks = {epoch: outcome.acks[node, epoch] for epoch in answer.acks}
            try:
                for i, body in enumerate(answer.bodies(acks, welcome=welcome, now_ms=now_ms)):
                    overhead = (WELCOME_SIZE if welcome else HEADER_SIZE) + TAG_SIZE
                    extras = answer.extras(body, acks, overhead) if i == 0 else {}
                    short = None
                    if extras and answer.uplink.answer_in_ms:
                        short = link.seal(control.encode(body), welcome=welcome)
                    frame = link.seal(control.encode(body | extras), welcome=welcome)
                    downlinks.append(Downlink(node, frame, answer.uplink, answer.value, short))
            except NoCounter as error:
                log.error("downlink_not_sent", reason=str(error))  # noqa: TRY400
        return downlinks
