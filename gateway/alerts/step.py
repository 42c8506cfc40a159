"""The state machine of one watch: (terms, state, observation or wish, now) -> (state, events). Pure.

Its laws, each tested:
- A reading is history only if a newer usable reading has been evaluated; a late breach that is the newest
  known alerts, however old it is.
- A reading of bad quality clears nothing and raises nothing.
- A sensor at its limit on the dangerous side raises and holds the alert.
- Whoever is active and not silenced has been announced: nothing that ends a silence forgets an alert.
- Delays between readings are counted in their own time, so that a batch that came late is judged as if it
  had come in time; only `tick`, called when no reading waits any more, compares with the clock.
- Between two escalations lies the time that was agreed on, whatever the clock does or however long the
  gateway was away.
"""

from gateway.alerts.leaps import Leap
from gateway.alerts.state import Event, Kind, Observation, Phase, State, Terms, Trust
from gateway.clock import EARLIEST_S

SHELVE_MAX_S = 7 * 86_400
ESCALATIONS_MAX = 3
Step = tuple[State, tuple[Event, ...]]


class Refused(Exception):
    """What was asked for makes no sense for the alert as it stands; the text is for people."""


def observe(terms: Terms, state: State, seen: Observation, now_s: int, *, silenced: bool = False) -> Step:
    """Take one observation. `silenced`: maintenance, or another alert, keeps this one quiet."""
    if seen.trust is Trust.BAD or seen.value is None:
        return _bad(state, seen), ()
    if state.newest_s is not None and seen.at_s <= state.newest_s:
        return state, ()
    breach, back = _judge(terms, seen)
    state = state.but(
        newest_s=seen.at_s,
        value=seen.value,
        beyond=breach and seen.trust is not Trust.GOOD,
        evidence=seen.evidence,
        recent=(*state.recent, breach)[-terms.m :],
    )
    if state.active:
        return _while_active(terms, state, seen.at_s, back, now_s)
    if sum(state.recent) < terms.n or not breach:
        phase = Phase.ERROR if state.blind else Phase.NORMAL
        if state.phase is phase and state.breach_since_s is None:
            return state, ()
        return state.but(phase=phase, breach_since_s=None), ()
    since = _begun_s(state.breach_since_s, seen.at_s)
    state = state.but(phase=Phase.PENDING, breach_since_s=since)
    if seen.at_s - since >= terms.on_delay_s:
        return _raise(state, now_s, silenced)
    return state, ()


def tick(terms: Terms, state: State, now_s: int, *, silenced: bool = False) -> Step:
    """Let time pass: delays, silence, shelves and escalations. Call it when no reading waits."""
    events: list[Event] = []
    if state.shelved_until_s is not None and now_s >= state.shelved_until_s:
        events.append(_event(Kind.SHELF_ENDED, state, now_s, by=state.shelved_by))
        state = state.but(shelved_until_s=None, shelved_by="")
    if not state.active:
        since = state.breach_since_s
        if since is not None and now_s - since >= terms.on_delay_s:
            state, raised = _raise(state, now_s, silenced)
            return state, (*events, *raised)
        known = [t for t in (state.newest_s, state.bad_s) if t is not None]
        lost = terms.no_data_after_s is not None and known and now_s - max(known) > terms.no_data_after_s
        if lost and since is None:
            state = state.but(phase=Phase.NO_DATA)
        return state, tuple(events)
    if not (silenced or state.silent):
        if not state.announced:
            state = state.but(announced=True, announced_at_s=now_s)
            events.append(_event(Kind.STANDING, state, now_s, notify=True))
        elif _escalation_due(terms, state, now_s):
            state = _escalated(terms, state, now_s)
            events.append(_event(Kind.ESCALATED, state, now_s, notify=True, level=state.escalations))
    return state, tuple(events)


def clock_stepped(state: State, leap: Leap, *, own: bool) -> State:
    """Return the state after the gateway's clock has leapt.

    What happened by the old clock, or at a time that no right clock shows, goes with it. `own`: what is
    observed was timed by that clock as well; nodes' records were not, except where it was late.
    """
    names = (*_times(own), "heard_s") if own and leap.by_s > 0 else _times(own)
    moved = {
        name: at_s + leap.by_s
        for name in names
        if (at_s := getattr(state, name)) is not None
        and (leap.from_s <= at_s <= leap.to_s or at_s < EARLIEST_S)
    }
    until_s = state.shelved_until_s  # a moment that people chose, unless the clock was wrong for certain
    if until_s is not None and (end_s := end_after(leap, until_s, SHELVE_MAX_S)) != until_s:
        moved["shelved_until_s"] = end_s
    return state.but(**moved) if moved else state


def end_after(leap: Leap, until_s: int, most_s: int) -> int:
    """Return when a silence ends after a leap: later or earlier by it if a wrong clock gave its end.

    That is one in 1970, or more than the `most_s` ahead that are allowed.
    """
    wrong = until_s < EARLIEST_S or until_s > leap.to_s + leap.by_s + most_s
    return until_s + leap.by_s if wrong else until_s


def latest_s(state: State, *, own: bool) -> int | None:
    """Return the latest time in a state that the gateway's clock gave."""
    return max((at_s for name in _times(own) if (at_s := getattr(state, name)) is not None), default=None)


def without_rule(state: State) -> State:
    """Return what is left of a state whose rule or node the site no longer has.

    Should they come back, what has passed until then is no alert that nobody has acknowledged.
    """
    return State(
        occurrence=state.occurrence,
        shelved_until_s=state.shelved_until_s,
        shelved_by=state.shelved_by,
        out_of_service_by=state.out_of_service_by,
    )


def not_later(state: State, at_s: int) -> State:
    """Return a state that knows no reading later than a moment, which a wrong clock gave them."""
    by_s = max(0, (state.newest_s or 0) - at_s, (state.bad_s or 0) - at_s)
    if not by_s:
        return state
    return state.but(
        newest_s=None if state.newest_s is None else state.newest_s - by_s,
        bad_s=None if state.bad_s is None else state.bad_s - by_s,
    )


def _times(own: bool) -> tuple[str, ...]:
    times = ("raised_at_s", "announced_at_s", "acknowledged_at_s", "cleared_at_s")
    return (*times, "newest_s", "breach_since_s", "back_since_s") if own else times


def acknowledge(state: State, by: str, now_s: int) -> Step:
    """Somebody takes care. A latched alert whose condition is over clears with it. Raises Refused."""
    if not state.active:
        raise Refused("there is no active alert to acknowledge")
    if state.acknowledged_by:
        raise Refused(f"{state.acknowledged_by} has acknowledged it already")
    state = state.but(acknowledged_by=_name(by), acknowledged_at_s=now_s)
    acknowledged = _event(Kind.ACKNOWLEDGED, state, now_s, by=by)
    if state.over:
        state, cleared = _clear(state, now_s)
        return state, (acknowledged, *cleared)
    return state, (acknowledged,)


def escalate(state: State, by: str, now_s: int) -> Step:
    """Somebody who was told can not take care: the next is told at once. Raises Refused."""
    if not state.active:
        raise Refused("there is no active alert to pass on")
    if state.acknowledged_by:
        raise Refused(f"{state.acknowledged_by} has acknowledged it already")
    state = state.but(escalations=state.escalations + 1)
    return state, (_event(Kind.ESCALATED, state, now_s, notify=True, by=_name(by), level=state.escalations),)


def shelve(state: State, by: str, until_s: int, now_s: int, note: str = "") -> Step:
    """Keep it quiet until a moment, a week ahead at most. Raises Refused."""
    if not now_s < until_s <= now_s + SHELVE_MAX_S:
        raise Refused(f"a shelf ends, at most {SHELVE_MAX_S // 86_400} days ahead")
    state = state.but(shelved_until_s=until_s, shelved_by=_name(by))
    return state, (_event(Kind.SHELVED, state, now_s, by=by, note=note),)


def unshelve(terms: Terms, state: State, by: str, now_s: int, *, silenced: bool = False) -> Step:
    """End a shelf early. Raises Refused."""
    if state.shelved_until_s is None:
        raise Refused("it is not shelved")
    state = state.but(shelved_until_s=None, shelved_by="")
    first = _event(Kind.UNSHELVED, state, now_s, by=_name(by))
    state, events = tick(terms, state, now_s, silenced=silenced)
    return state, (first, *events)


def take_out_of_service(state: State, by: str, now_s: int, note: str = "") -> Step:
    """Keep it quiet until somebody puts it into service again: for repairs. Raises Refused."""
    if state.out_of_service_by:
        raise Refused(f"{state.out_of_service_by} has taken it out of service already")
    state = state.but(out_of_service_by=_name(by))
    return state, (_event(Kind.OUT_OF_SERVICE, state, now_s, by=by, note=note),)


def put_into_service(terms: Terms, state: State, by: str, now_s: int, *, silenced: bool = False) -> Step:
    """Raises Refused."""
    if not state.out_of_service_by:
        raise Refused("it is in service")
    state = state.but(out_of_service_by="")
    first = _event(Kind.IN_SERVICE, state, now_s, by=_name(by))
    state, events = tick(terms, state, now_s, silenced=silenced)
    return state, (first, *events)


def _judge(terms: Terms, seen: Observation) -> tuple[bool, bool]:
    """Return (breached, back in bounds by the deadband)."""
    assert seen.value is not None
    breach, back = False, True
    if terms.above is not None:
        breach = seen.value > terms.above or seen.trust is Trust.BEYOND_HIGH
        back = seen.value <= terms.above - terms.deadband
    if terms.below is not None:
        breach = breach or seen.value < terms.below or seen.trust is Trust.BEYOND_LOW
        back = back and seen.value >= terms.below + terms.deadband
    return breach, back and not breach


def _bad(state: State, seen: Observation) -> State:
    if state.bad_s is None or seen.at_s > state.bad_s:
        state = state.but(bad_s=seen.at_s)
    if not state.blind:
        return state  # a newer reading was good
    if state.active:
        # What is not seen does not go on recovering; what had recovered only waits to be acknowledged.
        return state if state.over else state.but(phase=Phase.ALERTING, back_since_s=None)
    return state.but(phase=Phase.ERROR)


def _while_active(terms: Terms, state: State, at_s: int, back: bool, now_s: int) -> Step:
    if not back or state.blind:
        return state.but(phase=Phase.ALERTING, back_since_s=None, over=False), ()
    since = _begun_s(state.back_since_s, at_s)
    state = state.but(phase=Phase.RECOVERING, back_since_s=since)
    if at_s - since < terms.off_delay_s:
        return state, ()
    if terms.latching and not state.acknowledged_by:
        return state.but(over=True), ()
    return _clear(state, now_s)


def _begun_s(since_s: int | None, at_s: int) -> int:
    """Return since when something lasts: nothing that a newer reading shows began after it."""
    return at_s if since_s is None else min(since_s, at_s)


def _raise(state: State, now_s: int, silenced: bool) -> Step:
    announced = not (silenced or state.silent)
    state = state.but(
        phase=Phase.ALERTING,
        occurrence=state.occurrence + 1,
        raised_at_s=now_s,
        announced=announced,
        announced_at_s=now_s if announced else None,
        back_since_s=None,
        over=False,
        acknowledged_by="",
        acknowledged_at_s=None,
        escalations=0,
    )
    return state, (_event(Kind.RAISED, state, now_s, notify=announced),)


def _clear(state: State, now_s: int) -> Step:
    cleared = _event(Kind.CLEARED, state, now_s, notify=state.announced)
    state = state.but(
        phase=Phase.NORMAL,
        recent=(),
        breach_since_s=None,
        back_since_s=None,
        over=False,
        raised_at_s=None,
        cleared_at_s=now_s if state.announced else state.cleared_at_s,
        announced=False,
        announced_at_s=None,
        acknowledged_by="",
        acknowledged_at_s=None,
        escalations=0,
        beyond=False,
    )
    return state, (cleared,)


def _escalation_due(terms: Terms, state: State, now_s: int) -> bool:
    if terms.escalate_after_s is None or state.acknowledged_by or state.escalations >= ESCALATIONS_MAX:
        return False
    assert state.announced_at_s is not None
    return now_s - state.announced_at_s >= terms.escalate_after_s * (state.escalations + 1)


def _escalated(terms: Terms, state: State, now_s: int) -> State:
    """Return the state after one more escalation; one that comes late puts the next ones off as well."""
    assert terms.escalate_after_s is not None
    assert state.announced_at_s is not None
    level = state.escalations + 1
    on_time_s = now_s - level * terms.escalate_after_s
    return state.but(escalations=level, announced_at_s=max(state.announced_at_s, on_time_s))


def _name(by: str) -> str:
    if not by.strip():
        raise Refused("say who you are")
    return by.strip()


def _event(
    kind: Kind,
    state: State,
    now_s: int,
    *,
    notify: bool = False,
    by: str = "",
    note: str = "",
    level: int = 0,
) -> Event:
    return Event(
        kind,
        now_s,
        state.occurrence,
        notify,
        state.value,
        state.newest_s,
        state.beyond,
        state.evidence,
        by.strip(),
        note,
        level,
    )
