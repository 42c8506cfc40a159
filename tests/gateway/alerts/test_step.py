"""The laws of the state machine, one by one, and under any sequence of events."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.alerts import step
from gateway.alerts.leaps import Leap
from gateway.alerts.state import Event, Kind, Observation, Phase, State, Terms, Trust
from gateway.alerts.step import Refused

T0 = 1_790_000_000
HIGH = Terms(above=100, deadband=10)


def run(
    terms: Terms,
    *seen: tuple[int, float | None] | tuple[int, float | None, Trust],
    state: State | None = None,
) -> tuple[State, list[Event]]:
    """Observe (seconds after T0, value, trust) in turn, each as soon as it was measured."""
    state = state or State()
    events: list[Event] = []
    for at, value, *trust in seen:
        seen_now = Observation(T0 + at, value, trust[0] if trust else Trust.GOOD)
        state, new = step.observe(terms, state, seen_now, T0 + at)
        events += new
    return state, events


def kinds(events: list[Event]) -> list[Kind]:
    return [event.kind for event in events]


def test_raised_above_and_cleared_below_the_deadband() -> None:
    state, events = run(HIGH, (0, 100), (10, 101), (20, 99), (30, 91), (40, 90))
    assert kinds(events) == [Kind.RAISED, Kind.CLEARED]
    assert all(event.notify for event in events)
    assert (events[0].at_s, events[1].at_s) == (T0 + 10, T0 + 40)
    assert state.phase is Phase.NORMAL


def test_a_band_has_two_sides() -> None:
    band = Terms(above=100, below=10, deadband=5)
    assert kinds(run(band, (0, 9), (1, 12), (2, 15), (3, 101), (4, 96), (5, 95))[1]) == [
        Kind.RAISED, Kind.CLEARED, Kind.RAISED, Kind.CLEARED,
    ]  # fmt: skip


def test_delays_count_in_the_readings_own_time() -> None:
    slow = Terms(above=100, on_delay_s=60, off_delay_s=120)
    state, events = run(slow, (0, 101), (30, 101), (59, 101))
    assert (events, state.phase) == ([], Phase.PENDING)
    state, events = run(slow, (60, 101), (70, 50), (180, 50), state=state)
    assert kinds(events) == [Kind.RAISED]
    assert state.phase is Phase.RECOVERING
    _, events = run(slow, (190, 50), state=state)
    assert kinds(events) == [Kind.CLEARED]
    # A dip starts the delay afresh.
    assert run(slow, (0, 101), (50, 99), (61, 101), (120, 101))[1] == []


def test_a_delay_ends_by_the_clock_where_no_reading_follows() -> None:
    slow = Terms(above=100, on_delay_s=60)
    state, _ = run(slow, (0, 101))
    assert step.tick(slow, state, T0 + 59)[1] == ()
    state, events = step.tick(slow, state, T0 + 60)
    assert kinds(list(events)) == [Kind.RAISED]
    # The clock clears nothing: only a reading does.
    state, _ = run(Terms(above=100, off_delay_s=60), (90, 0), state=state)
    assert step.tick(slow, state, T0 + 9999)[0].active


def test_n_of_m() -> None:
    two_of_three = Terms(above=100, n=2, m=3)
    assert run(two_of_three, (0, 500), (1, 0), (2, 0), (3, 500), (4, 0), (5, 0))[1] == []
    assert kinds(run(two_of_three, (0, 500), (1, 0), (2, 500))[1]) == [Kind.RAISED]


def test_a_late_breach_alerts_only_if_it_is_the_newest_known() -> None:
    state, _ = run(HIGH, (1000, 50))
    late = Observation(T0 + 10, 500)
    assert step.observe(HIGH, state, late, T0 + 2000) == (state, ())
    state, events2 = step.observe(HIGH, State(), late, T0 + 20_000)
    assert kinds(list(events2)) == [Kind.RAISED]
    assert events2[0].at_s - (events2[0].measured_at_s or 0) == 19_990
    # A newer fault is no evaluation: the late breach still is the newest known.
    state, _ = run(HIGH, (0, 50), (900, None, Trust.BAD))
    state, found = step.observe(HIGH, state, Observation(T0 + 500, 200), T0 + 1000)
    assert kinds(list(found)) == [Kind.RAISED]
    # ... and a late value in bounds does not clear while the sensor is known to have failed since.
    state, found = step.observe(HIGH, state, Observation(T0 + 600, 0), T0 + 1000)
    assert (found, state.phase) == ((), Phase.ALERTING)


def test_bad_quality_clears_nothing_and_raises_nothing() -> None:
    state, events = run(HIGH, (0, 101), (1, None, Trust.BAD), (2, 0, Trust.BAD), (3, 500, Trust.BAD))
    assert kinds(events) == [Kind.RAISED]
    assert state.active
    state, events = run(HIGH, (0, 0), (1, None, Trust.BAD), (2, 500, Trust.BAD))
    assert (events, state.phase) == ([], Phase.ERROR)
    assert run(HIGH, (3, 0), state=state)[0].phase is Phase.NORMAL
    # What had begun to recover starts again.
    slow = Terms(above=100, off_delay_s=60)
    assert kinds(run(slow, (0, 101), (1, 0), (30, None, Trust.BAD), (61, 0), (120, 0))[1]) == [Kind.RAISED]


def test_a_sensor_at_its_limit_on_the_dangerous_side_raises_and_holds() -> None:
    full = Trust.BEYOND_HIGH
    state, events = run(HIGH, (0, 80, full), (1, 80, full))
    assert kinds(events) == [Kind.RAISED]
    assert events[0].beyond
    assert state.active
    assert kinds(run(HIGH, (2, 80), state=state)[1]) == [Kind.CLEARED]
    # At its limit on the other side it is in bounds for certain.
    assert run(HIGH, (0, 0, Trust.BEYOND_LOW))[1] == []
    assert kinds(run(Terms(below=5), (0, 9, Trust.BEYOND_LOW))[1]) == [Kind.RAISED]


def test_nothing_heard_is_a_state_of_its_own() -> None:
    terms = Terms(above=100, no_data_after_s=60)
    state, _ = run(terms, (0, 1))
    assert step.tick(terms, state, T0 + 60)[0].phase is Phase.NORMAL
    state, _ = step.tick(terms, state, T0 + 61)
    assert state.phase is Phase.NO_DATA
    assert run(terms, (90, 1), state=state)[0].phase is Phase.NORMAL
    state, _ = run(terms, (100, 101), state=state)
    assert step.tick(terms, state, T0 + 9999)[0].active


def test_a_latched_alert_waits_for_its_acknowledgement() -> None:
    latching = Terms(above=100, latching=True)
    state, events = run(latching, (0, 101), (1, 0))
    assert kinds(events) == [Kind.RAISED]
    assert state.phase is Phase.RECOVERING
    state, found = step.acknowledge(state, "vakt", T0 + 5)
    assert kinds(list(found)) == [Kind.ACKNOWLEDGED, Kind.CLEARED]
    state, _ = run(latching, (10, 101), state=state)
    state, _ = step.acknowledge(state, "vakt", T0 + 11)
    assert kinds(run(latching, (12, 0), state=state)[1]) == [Kind.CLEARED]


def test_acknowledging_needs_an_alert_and_a_name() -> None:
    with pytest.raises(Refused, match="no active alert"):
        step.acknowledge(State(), "vakt", T0)
    state, _ = run(HIGH, (0, 101))
    with pytest.raises(Refused, match="who you are"):
        step.acknowledge(state, " ", T0)
    state, _ = step.acknowledge(state, "vakt", T0)
    with pytest.raises(Refused, match="vakt has acknowledged"):
        step.acknowledge(state, "annen", T0)


def test_a_shelf_ends_and_what_stands_then_is_told() -> None:
    state, _ = step.shelve(State(), "vakt", T0 + 3600, T0)
    state, events = run(HIGH, (10, 101), state=state)
    assert [(e.kind, e.notify) for e in events] == [(Kind.RAISED, False)]
    assert step.tick(HIGH, state, T0 + 3599)[1] == ()
    state, found = step.tick(HIGH, state, T0 + 3600)
    assert [(e.kind, e.notify) for e in found] == [(Kind.SHELF_ENDED, False), (Kind.STANDING, True)]
    for until in (T0, T0 + 8 * 86_400):
        with pytest.raises(Refused, match="a shelf ends"):
            step.shelve(state, "vakt", until, T0)


def test_out_of_service_has_no_end_of_its_own() -> None:
    state, _ = step.take_out_of_service(State(), "tekniker", T0, "ny sensor")
    state, events = run(HIGH, (10, 101), state=state)
    assert not events[0].notify
    assert step.tick(HIGH, state, T0 + 10**7)[1] == ()
    state, found = step.put_into_service(HIGH, state, "tekniker", T0 + 10**7)
    assert [(e.kind, e.notify) for e in found] == [(Kind.IN_SERVICE, False), (Kind.STANDING, True)]
    with pytest.raises(Refused, match="in service"):
        step.put_into_service(HIGH, state, "tekniker", T0)


def test_who_does_not_answer_is_followed_by_the_next() -> None:
    terms = Terms(above=100, escalate_after_s=600)
    state, _ = run(terms, (0, 101))
    levels = []
    for after in range(0, 6000, 60):
        state, events = step.tick(terms, state, T0 + after)
        levels += [(after, event.level) for event in events if event.kind is Kind.ESCALATED]
    assert levels == [(600, 1), (1200, 2), (1800, 3)]
    state, _ = run(terms, (0, 101))
    state, _ = step.acknowledge(state, "vakt", T0 + 60)
    assert step.tick(terms, state, T0 + 6000)[1] == ()


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=40))
def test_escalations_keep_their_distance_however_late_the_first_is(passing_s: list[int]) -> None:
    terms = Terms(above=100, escalate_after_s=600)
    state, _ = run(terms, (0, 101))
    told_s = [T0]
    now_s = T0
    for seconds in passing_s:  # the gateway was away, or its clock leapt
        now_s += seconds
        state, events = step.tick(terms, state, now_s)
        told_s += [event.at_s for event in events]
        due = len(told_s) <= step.ESCALATIONS_MAX and now_s - told_s[-1] >= 600
        assert not due
    assert all(later - sooner >= 600 for sooner, later in pairwise(told_s))


def test_what_happened_by_a_wrong_clock_goes_with_its_step() -> None:
    wrong_s = 5000  # 1970
    before = State(
        Phase.ALERTING, newest_s=wrong_s, breach_since_s=wrong_s, raised_at_s=wrong_s,
        announced_at_s=wrong_s + 1, acknowledged_at_s=wrong_s + 2, cleared_at_s=wrong_s - 900,
        shelved_until_s=wrong_s + 3600,
    )  # fmt: skip
    right = Leap(T0, wrong_s, wrong_s + 2)
    after = step.clock_stepped(before, right, own=False)
    assert (after.newest_s, after.breach_since_s) == (wrong_s, wrong_s)  # of a node's records
    moved = after.raised_at_s, after.announced_at_s, after.acknowledged_at_s, after.cleared_at_s
    assert moved == tuple(T0 + wrong_s + s for s in (0, 1, 2, -900))
    assert after.shelved_until_s == T0 + wrong_s + 3600
    own = step.clock_stepped(before, right, own=True)
    assert (own.newest_s, own.breach_since_s) == (T0 + wrong_s, T0 + wrong_s)
    # A clock that can have been right: only what happened since it is known to have run evenly goes along.
    old = State(Phase.ALERTING, announced_at_s=T0, shelved_until_s=T0 + 3600)
    assert step.clock_stepped(old, Leap(3600, T0 + 1, T0 + 9), own=False) == old
    back = step.clock_stepped(old, Leap(-3600, T0, T0 + 9), own=False)
    assert back == old.but(announced_at_s=T0 - 3600)
    # ... except a shelf that would last longer than anybody may ask for.
    year_s = 365 * 86_400
    ahead = State(shelved_until_s=T0 + year_s + 3600)
    back = step.clock_stepped(ahead, Leap(-year_s, T0 + year_s, T0 + year_s + 9), own=False)
    assert back.shelved_until_s == T0 + 3600


def test_an_inhibited_alert_is_told_once_nothing_inhibits_it() -> None:
    state, events = step.observe(HIGH, State(), Observation(T0, 101), T0, silenced=True)
    assert not events[0].notify
    assert step.tick(HIGH, state, T0 + 1, silenced=True)[1] == ()
    state, events = step.tick(HIGH, state, T0 + 2)
    assert [(e.kind, e.notify) for e in events] == [(Kind.STANDING, True)]
    assert step.tick(HIGH, state, T0 + 3)[1] == ()


class AnySequence(RuleBasedStateMachine):
    """Readings good, bad and late, people, silences and restarts, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.terms = Terms(
            above=100, deadband=10, on_delay_s=30, off_delay_s=30, n=2, m=3, latching=True,
            no_data_after_s=300, escalate_after_s=600,
        )  # fmt: skip
        self.state = State()
        self.now = T0
        self.silenced = False
        self.told = 0  # occurrence people know of
        self.known_active = False
        self.shelf_end: int | None = None

    def take(self, result: step.Step, may_clear: bool) -> None:
        before = self.state
        self.state, events = result
        for event in events:
            if event.kind in (Kind.RAISED, Kind.STANDING) and event.notify:
                assert not self.silenced
                assert not self.known_active
                self.known_active, self.told = True, event.occurrence
            elif event.kind is Kind.CLEARED:
                assert may_clear
                assert event.notify == self.known_active
                self.known_active = False
        assert self.state.occurrence >= before.occurrence
        if before.active and not self.state.active:
            assert any(event.kind is Kind.CLEARED for event in events)

    @rule(
        age=st.integers(0, 400),
        value=st.sampled_from([0.0, 89.0, 95.0, 101.0, 300.0]),
        trust=st.sampled_from([Trust.GOOD, *Trust]),
    )
    def reading(self, age: int, value: float, trust: Trust) -> None:
        seen = Observation(self.now - age, None if trust is Trust.BAD else value, trust)
        result = step.observe(self.terms, self.state, seen, self.now, silenced=self.silenced)
        in_bounds = trust in (Trust.GOOD, Trust.BEYOND_LOW) and value <= 90
        self.take(result, may_clear=in_bounds)

    @rule(seconds=st.integers(1, 900))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.take(step.tick(self.terms, self.state, self.now, silenced=self.silenced), may_clear=False)
        if self.shelf_end is not None and self.now >= self.shelf_end:
            assert self.state.shelved_until_s is None
            self.shelf_end = None
        # The law: active and not silenced means that people know.
        if self.state.active and not self.silenced and not self.state.silent:
            assert self.known_active
            assert self.told == self.state.occurrence

    @precondition(lambda self: self.state.active and not self.state.acknowledged_by)
    @rule()
    def acknowledged(self) -> None:
        self.take(step.acknowledge(self.state, "vakt", self.now), may_clear=True)

    @rule(seconds=st.integers(1, 5000))
    def shelved(self, seconds: int) -> None:
        self.shelf_end = self.now + seconds
        self.take(step.shelve(self.state, "vakt", self.shelf_end, self.now), may_clear=False)

    @precondition(lambda self: self.state.shelved_until_s is not None)
    @rule()
    def unshelved(self) -> None:
        self.shelf_end = None
        result = step.unshelve(self.terms, self.state, "vakt", self.now, silenced=self.silenced)
        self.take(result, may_clear=False)

    @precondition(lambda self: not self.state.out_of_service_by)
    @rule()
    def out_of_service(self) -> None:
        self.take(step.take_out_of_service(self.state, "tekniker", self.now), may_clear=False)

    @precondition(lambda self: bool(self.state.out_of_service_by))
    @rule()
    def in_service(self) -> None:
        result = step.put_into_service(self.terms, self.state, "tekniker", self.now, silenced=self.silenced)
        self.take(result, may_clear=False)

    @rule(silenced=st.booleans())
    def something_outside(self, silenced: bool) -> None:
        self.silenced = silenced

    @rule()
    def restart(self) -> None:
        again = State.from_json(self.state.to_json())
        assert again == self.state
        self.state = again

    @invariant()
    def what_is_announced_is_what_people_know(self) -> None:
        assert self.state.announced == self.known_active
        assert not self.state.announced or self.state.active


AnySequence.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnySequence = AnySequence.TestCase
