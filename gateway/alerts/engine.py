"""All of a site's watches over its records: (records or wish, now) -> changed states and events.

No I/O: whoever runs it keeps what it returns, in one transaction with the cursor it stands for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from device_configs.model import Site
from gateway.alerts import step
from gateway.alerts.leaps import Leap
from gateway.alerts.measured import measured
from gateway.alerts.signals import OfGateway, Silence
from gateway.alerts.state import Event, Kind, Observation, State
from gateway.alerts.step import Refused, Step
from gateway.alerts.watches import Watch, WatchId, watches
from gateway.clock import EARLIEST_S, is_ahead
from gateway.model import StoredRecord
from gateway.readings import WrongSchema
from gateway.shelved import lies

INHIBIT_TAIL_S = 3600  # an inhibited alert stays quiet for so long after the other has cleared
IDLE_TICK_S = 5  # how often a watch that waits for nothing is looked at
MAINTENANCE_MAX_S = 7 * 86_400
FORGOTTEN_S = 7 * 86_400  # a sensor that has long been failing: what it said before no longer counts
Wish = Callable[[Watch, State], Step]


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of one watch."""

    watch: Watch
    event: Event


@dataclass(frozen=True, slots=True)
class Result:
    """What has to be kept together."""

    states: Mapping[WatchId, State]
    happened: Sequence[Happened]


class Engine:
    """`states` are those kept before; `maintenance` says until when (UTC s) nodes are being worked on."""

    def __init__(
        self, site: Site, states: Mapping[WatchId, State], maintenance: Mapping[int, int] | None = None
    ) -> None:
        self.watches = {watch.id: watch for watch in watches(site)}
        self.states = {id_: states.get(id_, State()) for id_ in self.watches}
        self.maintenance = dict(maintenance or {})
        self.strange = 0  # records that could not be read: of unknown nodes, or made under another profile
        self._site = site
        self._of_node: dict[int, list[Watch]] = defaultdict(list)
        self._latest_s: dict[int, int] = {}  # by node: the latest time of its records
        for id_, watch in self.watches.items():
            self._of_node[watch.node.id].append(watch)
            if not _by_own_clock(watch):
                seen_s = self.states[id_].newest_s or 0, self.states[id_].bad_s or 0
                self._latest_s[watch.node.id] = max(*seen_s, self._latest_s.get(watch.node.id, 0))
        self._nodes = {node.id: node for node in site.nodes}
        self._warm = {id_ for id_, state in self.states.items() if _waits(state)}
        self._turns = list(self.watches)
        self._ticked_s = 0
        self._on_shelf: set[int] = set()
        self._fetched_s: dict[int, int] = {}  # when nodes were seen to be off the shelf again
        self._changed: set[WatchId] = set()
        self._happened: list[Happened] = []

    def needed_from_s(self, node: int, newest_s: int) -> int | None:
        """Return since when the records of a node are needed to go on as before; None: not at all.

        `newest_s` is the time of the newest. Where a sensor has long been failing, what it said before is
        forgotten after a week.
        """
        span_s = max((watch.signal.span_s for watch in self._of_node[node]), default=0.0)
        if not span_s:
            return None
        known = [t for w in self._of_node[node] if (t := self.states[w.id].newest_s) is not None]
        return int(max(min(known, default=newest_s), newest_s - FORGOTTEN_S) - span_s)

    def warm_up(self, records: Iterable[StoredRecord]) -> None:
        """Feed records that were evaluated before, in commit order: nothing comes of them."""
        for record in records:
            self._feed(record, evaluate=lambda _watch, _seen: None)

    def take(self, records: Iterable[StoredRecord], now_s: int) -> Result:
        """Evaluate records in commit order."""

        def evaluate(watch: Watch, seen: Observation) -> None:
            if isinstance(watch.signal, Silence):
                self._hear(watch, seen, now_s)
                return
            quiet = self.silenced(watch, now_s)
            self._keep(watch, step.observe(watch.terms, self.states[watch.id], seen, now_s, silenced=quiet))

        for record in records:
            self._put_right(record, now_s)
            self._feed(record, evaluate)
        return self._result()

    def tick(
        self,
        now_s: int,
        listening_since_s: int | None,
        own: Mapping[str, int | None] | None = None,
        shelved: Mapping[int, int] = MappingProxyType({}),
    ) -> Result:
        """Let time pass; call it when no record waits. `listening_since_s` None: no carrier is connected.

        A node is silent only for as long as somebody has listened. `own` has the gateway's own values;
        `shelved` says since when nodes are on the shelf, which are not missed until they are heard; one that
        was fetched back is given the same time to report as when the gateway has just started.
        """
        self._fetched_s |= dict.fromkeys(self._on_shelf - shelved.keys(), now_s)
        self._on_shelf = set(shelved)
        for node in [node for node, until_s in self.maintenance.items() if until_s <= now_s]:
            del self.maintenance[node]
        deaf = listening_since_s is None
        for id_ in self._due(now_s):
            watch = self.watches[id_]
            if isinstance(watch.signal, Silence) and listening_since_s is not None:
                since_s = max(listening_since_s, self._fetched_s.get(watch.node.id, 0))
                self._judge_silence(watch, now_s, since_s, shelved.get(watch.node.id))
            elif isinstance(watch.signal, OfGateway) and own is not None:
                self._judge_gateway(watch, now_s, own.get(watch.signal.key))
            quiet = self.silenced(watch, now_s) or (deaf and isinstance(watch.signal, Silence))
            self._keep(watch, step.tick(watch.terms, self.states[id_], now_s, silenced=quiet))
        return self._result()

    def clock_stepped(self, leap: Leap) -> None:
        """Take note, before anything else, that the clock has leapt."""
        self._fetched_s = {node: at_s + leap.by_s for node, at_s in self._fetched_s.items()}
        self.maintenance = {
            node: step.end_after(leap, until_s, MAINTENANCE_MAX_S)
            for node, until_s in self.maintenance.items()
        }
        for id_, watch in self.watches.items():
            moved = step.clock_stepped(self.states[id_], leap, own=_by_own_clock(watch))
            self._keep(watch, (moved, ()))

    def latest_s(self) -> int | None:
        """Return the latest time in the states that the gateway's clock gave."""
        known = (step.latest_s(self.states[id_], own=_by_own_clock(w)) for id_, w in self.watches.items())
        return max((at_s for at_s in known if at_s is not None), default=None)

    def _due(self, now_s: int) -> Iterable[WatchId]:
        """Return the watches to look at: those that wait for something, and each other one in its turn."""
        seconds = now_s - self._ticked_s
        self._ticked_s = max(self._ticked_s, now_s)
        if not 0 <= seconds < IDLE_TICK_S:
            return self._turns
        due = dict.fromkeys(self._warm)
        for second in range(now_s - seconds + 1, now_s + 1):
            due.update(dict.fromkeys(self._turns[second % IDLE_TICK_S :: IDLE_TICK_S]))
        return due

    def wish(self, id_: WatchId, wish: Wish) -> Result:
        """Do what somebody asks for with one watch. Raises Refused."""
        watch = self.watches.get(id_)
        if watch is None:
            raise Refused(f"no rule `{id_[0]}` watches node {id_[1]}")
        self._keep(watch, wish(watch, self.states[id_]))
        return self._result()

    def maintain(self, node: int, until_s: int, now_s: int) -> None:
        """Keep a node's alerts quiet while it is worked on; `until_s` in the past ends it. Raises Refused."""
        if node not in self._nodes:
            raise Refused(f"there is no node {node}")
        if until_s > now_s + MAINTENANCE_MAX_S:
            raise Refused(f"maintenance ends, at most {MAINTENANCE_MAX_S // 86_400} days ahead")
        self.maintenance[node] = until_s

    def silenced(self, watch: Watch, now_s: int) -> bool:
        """Whether maintenance, or an alert that says more, keeps a watch quiet."""
        if self.maintenance.get(watch.node.id, 0) > now_s:
            return True
        for rule in watch.rule.inhibited_by:
            other = self.states.get((rule, watch.node.id))
            if other is None or other.silent:
                continue
            if other.active and other.announced:
                return True
            if other.cleared_at_s is not None and now_s - other.cleared_at_s < INHIBIT_TAIL_S:
                return True
        return False

    def _feed(self, record: StoredRecord, evaluate: Callable[[Watch, Observation], None]) -> None:
        node = self._nodes.get(record.node)
        if node is None:
            self.strange += 1
            return
        try:
            values = measured(record, node)
        except WrongSchema:
            self.strange += 1
            return
        self._latest_s[record.node] = max(self._latest_s.get(record.node, 0), record.measured_at_s)
        for watch in self._of_node[record.node]:
            seen = watch.signal.feed(record.measured_at_s, values)
            if seen is not None:
                evaluate(watch, seen)

    def _put_right(self, record: StoredRecord, now_s: int) -> None:
        """Forget what later records said where the clock has been put back since.

        They had their times of a clock that was ahead, and would make history of all that comes. While the
        clock is late, the records that come are ahead of it themselves.
        """
        at_s = record.measured_at_s
        if (
            not is_ahead(self._latest_s.get(record.node, 0), now_s)
            or at_s < EARLIEST_S
            or is_ahead(at_s, now_s)
        ):
            return
        self._latest_s[record.node] = at_s
        alone = replace(self._site, nodes=(self._nodes[record.node],))
        fresh = [watch for watch in watches(alone) if watch.node.id == record.node]
        self._of_node[record.node] = fresh
        for watch in fresh:
            self.watches[watch.id] = watch
            state = step.not_later(self.states[watch.id], at_s - 1)
            self._keep(watch, (state, ()))

    def _hear(self, watch: Watch, seen: Observation, now_s: int) -> None:
        state = self.states[watch.id]
        at_s = min(seen.at_s, now_s)  # no clock that is ahead may speak for a node's later silence
        if seen.value is not None and (state.heard_s is None or at_s > state.heard_s):
            self.states[watch.id] = state.but(heard_s=at_s)
            self._changed.add(watch.id)

    def _judge_silence(self, watch: Watch, now_s: int, listening_since_s: int, shelved_s: int | None) -> None:
        state = self.states[watch.id]
        if not state.active and lies(shelved_s, state.heard_s):
            return  # an alert that stands is not ended by the board that is to take the place
        if state.heard_s is not None and state.heard_s > now_s:  # the clock has been put back
            state = state.but(heard_s=now_s)
            self._keep(watch, (state, ()))
        heard_s = listening_since_s if state.heard_s is None else state.heard_s
        # An alert that stands is not ended by the gateway's own absence, nor is one begun by it.
        since_s = heard_s if state.active else max(heard_s, listening_since_s)
        assert watch.terms.above is not None
        silent = now_s - since_s > watch.terms.above
        if silent == state.active and state.breach_since_s is None:
            return  # nothing new: a state that is not written again
        self._judge(watch, Observation(now_s, float(max(0, now_s - heard_s)) if silent else 0.0), now_s)

    def _judge_gateway(self, watch: Watch, now_s: int, value: int | None) -> None:
        """Take a value of the gateway's own; None: it is not known now, which raises and clears nothing."""
        state, terms = self.states[watch.id], watch.terms
        if value is None:
            return
        over = terms.above is not None and value > terms.above
        breach = over or (terms.below is not None and value < terms.below)
        since_s = state.back_since_s if state.active else state.breach_since_s
        if since_s is None:
            nothing_new = value == state.value if state.active else not breach
        else:  # a delay runs: only its end is worth a state that is written again
            delay_s = terms.off_delay_s if state.active else terms.on_delay_s
            waits = state.over or 0 <= now_s - since_s < delay_s
            nothing_new = value == state.value and waits
        if not nothing_new:
            self._judge(watch, Observation(now_s, float(value)), now_s)

    def _judge(self, watch: Watch, seen: Observation, now_s: int) -> None:
        """Take what is observed of the present, which no later time that a clock has shown makes history."""
        state = _not_ahead(self.states[watch.id], now_s)
        quiet = self.silenced(watch, now_s)
        self._keep(watch, step.observe(watch.terms, state, seen, now_s, silenced=quiet))

    def _keep(self, watch: Watch, result: Step) -> None:
        state, events = result
        if state is self.states[watch.id] and not events:
            return
        self.states[watch.id] = state
        if _waits(state):
            self._warm.add(watch.id)
        else:
            self._warm.discard(watch.id)
        self._changed.add(watch.id)
        self._happened += [Happened(watch, event) for event in events]

    def _result(self) -> Result:
        result = Result({id_: self.states[id_] for id_ in self._changed}, tuple(self._happened))
        self._changed.clear()
        self._happened.clear()
        return result


def _by_own_clock(watch: Watch) -> bool:
    """Whether the gateway's clock times what a watch observes, and not a node's."""
    return isinstance(watch.signal, OfGateway | Silence)


def _not_ahead(state: State, now_s: int) -> State:
    """Return a state in which nothing lies in the future: the clock has been put back."""
    times = {
        name: now_s
        for name in ("breach_since_s", "back_since_s", "announced_at_s")
        if (at_s := getattr(state, name)) is not None and at_s > now_s
    }
    if state.newest_s is not None and state.newest_s >= now_s:
        times["newest_s"] = now_s - 1
    return state.but(**times) if times else state


def _waits(state: State) -> bool:
    """Whether something may happen to it within the next seconds."""
    return state.active or state.breach_since_s is not None or state.shelved_until_s is not None


def raised(happened: Sequence[Happened]) -> list[Happened]:
    """Return those of which people have to be told that something has begun."""
    return [h for h in happened if h.event.notify and h.event.kind in (Kind.RAISED, Kind.STANDING)]
