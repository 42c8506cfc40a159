"""The whole of a site's watches: maintenance, inhibition, lost monitoring, restarts."""

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.alerts import step
from gateway.alerts.engine import INHIBIT_TAIL_S, Engine, Happened
from gateway.alerts.state import Kind, Phase, State
from gateway.alerts.step import Refused
from gateway.alerts.texts import value_text
from gateway.alerts.watches import GATEWAY, WatchId
from gateway.model import StoredRecord
from tests.gateway.alerts.made import T0, intake, site, snow

CLOG, NEARLY, FULL = ("rista-tettes", 11), ("kulvert-80", 11), ("kulvert-100", 11)
SILENT = ("inntak-uten-data", 11)


def told(happened: Sequence[Happened]) -> list[tuple[str, str]]:
    """What people are paged for; what is only listed left out."""
    return [
        (h.watch.rule.id, str(h.event.kind))
        for h in happened
        if h.event.notify and h.watch.rule.priority != "info" and h.watch.node.id in (11, 21)
    ]


def test_a_clogged_grate_is_one_page_and_clears_when_it_is_cleaned() -> None:
    engine = Engine(site(), {})
    found: list[Happened] = []
    levels = [(200.0, 190.0)] * 6 + [(200 + 150.0 * i, 190 - 10.0 * i) for i in range(8)] + [(210, 195)] * 8
    for i, (up, down) in enumerate(levels):
        found += engine.take([intake(T0 + 600 * i, up, down)], T0 + 600 * i).happened
        found += engine.tick(T0 + 600 * i + 1, T0).happened
    assert told(found) == [
        ("rista-tettes", "raised"), ("rista-tettes", "escalated"), ("rista-tettes", "escalated"),
        ("rista-tettes", "escalated"), ("rista-tettes", "cleared"),
    ]  # fmt: skip
    # What it kept quiet is in the history all the same.
    assert ("stiger-svaert-fort", Kind.RAISED) in [(h.watch.rule.id, h.event.kind) for h in found]


def test_what_is_inhibited_is_told_when_it_outlasts_the_other() -> None:
    engine = Engine(site(), {})
    engine.states[CLOG] = State(Phase.NORMAL, occurrence=1, newest_s=T0 - 5, cleared_at_s=T0 - 10, value=0)
    engine.take([intake(T0, 1300, 1250)], T0)
    assert told(engine.tick(T0 + 60, T0).happened) == []
    assert engine.states[FULL].active
    assert told(engine.tick(T0 + INHIBIT_TAIL_S - 11, T0).happened) == []
    assert ("kulvert-100", "standing") in told(engine.tick(T0 + INHIBIT_TAIL_S, T0).happened)


def test_maintenance_keeps_a_node_quiet_and_ends() -> None:
    engine = Engine(site(), {})
    engine.maintain(11, T0 + 3600, T0)
    found = list(engine.take([intake(T0, 1300, 1250)], T0).happened)
    found += engine.tick(T0 + 3599, T0).happened
    assert told(found) == []
    assert ("kulvert-100", "standing") in told(engine.tick(T0 + 3600, T0).happened)
    for node, until_s in ((99, T0 + 60), (11, T0 + 9 * 86_400)):
        with pytest.raises(Refused):
            engine.maintain(node, until_s, T0)


def test_a_node_is_silent_only_while_somebody_listens() -> None:
    engine = Engine(site(), {})
    engine.take([intake(T0, 100)], T0)
    assert told(engine.tick(T0 + 7200, T0).happened) == []
    # Nobody has listened since: neither raised nor cleared by that.
    assert told(engine.tick(T0 + 20_000, None).happened) == []
    assert told(engine.tick(T0 + 20_000 + 6, T0 + 20_001).happened) == []
    found = engine.tick(T0 + 20_001 + 7201, T0 + 20_001).happened
    assert ("inntak-uten-data", "raised") in told(found)
    value = next(h.event.value for h in found if h.watch.id == SILENT)
    assert value == 27_202
    # A gateway that has just started does not take its own absence for the node's return.
    again = Engine(site(), engine.states)
    assert told(again.tick(T0 + 40_000, T0 + 39_999).happened) == []
    again.take([intake(T0 + 40_000, 100)], T0 + 40_001)
    assert told(again.tick(T0 + 40_007, T0 + 39_999).happened) == [("inntak-uten-data", "cleared")]


def test_a_node_on_the_shelf_is_not_missed_until_it_was_heard() -> None:
    engine = Engine(site(), {})
    shelf = {11: T0}
    found = list(engine.tick(T0 + 90_000, T0, shelved=shelf).happened)
    assert told(found) == []
    engine.take([intake(T0 + 90_000, 100)], T0 + 90_000)  # somebody pressed its button
    assert told(engine.tick(T0 + 90_006, T0, shelved=shelf).happened) == []
    found = list(engine.tick(T0 + 180_000, T0, shelved=shelf).happened)
    assert ("inntak-uten-data", "raised") in told(found)
    # A new board on the shelf does not end the alert of the one that has gone silent: its data does.
    shelf = {11: T0 + 180_000}
    assert told(engine.tick(T0 + 180_012, T0, shelved=shelf).happened) == []
    assert engine.states[SILENT].active
    engine.take([intake(T0 + 181_000, 100)], T0 + 181_000)
    assert ("inntak-uten-data", "cleared") in told(engine.tick(T0 + 181_006, T0, shelved=shelf).happened)


def test_a_node_fetched_from_the_shelf_is_given_its_time_and_then_missed() -> None:
    engine = Engine(site(), {})
    engine.take([intake(T0, 100)], T0)
    shelf, back = {11: T0 + 60}, T0 + 90_000
    assert told(engine.tick(back - 6, T0, shelved=shelf).happened) == []
    assert told(engine.tick(back, T0, shelved={}).happened) == []  # it says it is at work; no record yet
    limit_s = next(w.terms.above for w in engine.watches.values() if w.id == SILENT)
    assert limit_s
    assert told(engine.tick(back + int(limit_s), T0, shelved={}).happened) == []
    late = engine.tick(back + int(limit_s) + 1, T0, shelved={}).happened
    late = [*late, *engine.tick(back + int(limit_s) + 7, T0, shelved={}).happened]
    assert ("inntak-uten-data", "raised") in told(late)


def test_a_sensor_that_fails_raises_no_process_alarm_but_that_monitoring_is_lost() -> None:
    engine = Engine(site(), {})
    found: list[Happened] = []
    for i in range(30):
        up = 120 if i < 5 else None
        found += engine.take([intake(T0 + 600 * i, up)], T0 + 600 * i).happened
        found += engine.tick(T0 + 600 * i + 5, T0).happened
    assert told(found) == [("inntak-uten-data", "raised")]
    assert engine.states[NEARLY].phase is Phase.ERROR


def test_what_cannot_be_read_is_counted() -> None:
    engine = Engine(site(), {})
    engine.take([snow(T0, 100, node=11), snow(T0, 100, node=999)], T0)
    assert engine.strange == 2


def test_a_plough_is_called_once_in_a_storm() -> None:
    engine = Engine(site(), {})
    found: list[Happened] = []
    for i in range(7 * 144):  # a week; generated: 18 h of snow on the second day, 12 h on the fourth
        hour = i / 6
        depth = 500 + 20 * min(18, max(0, hour - 30)) + 12 * min(12, max(0, hour - 78)) - 0.5 * hour
        found += engine.take([snow(T0 + 600 * i, depth)], T0 + 600 * i).happened
        found += engine.tick(T0 + 600 * i + 5, T0).happened
    pages = [t for t in told(found) if t[0] == "broyting"]
    assert pages == [("broyting", "raised"), ("broyting", "cleared")] * 2


class Restarts(RuleBasedStateMachine):
    """Two gateways see the same records; one is restarted whenever it pleases. They say the same."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.records: list[StoredRecord] = []
        self.kept: list[StoredRecord] = []
        self.steady = Engine(site(), {})
        self.restarted = Engine(site(), {})

    def same(self, a: Sequence[Happened], b: Sequence[Happened]) -> None:
        assert [(h.watch.id, h.event) for h in a] == [(h.watch.id, h.event) for h in b]

    @rule(
        step_s=st.sampled_from([60, 600, 600, 5000]),
        late_s=st.sampled_from([0, 0, 0, 900]),
        up=st.sampled_from([None, 150, 300, 600, 1000, 1300]),
        down=st.sampled_from([100, 140, 500]),
    )
    def record(self, step_s: int, late_s: int, up: int | None, down: int) -> None:
        self.now += step_s
        record = intake(self.now - late_s, up, down, commit=len(self.records) + 1)
        self.records.append(record)
        self.same(
            self.steady.take([record], self.now).happened, self.restarted.take([record], self.now).happened
        )
        self.same(self.steady.tick(self.now, T0).happened, self.restarted.tick(self.now, T0).happened)

    @rule()
    def restart(self) -> None:
        states: dict[WatchId, State] = {
            id_: State.from_json(state.to_json()) for id_, state in self.restarted.states.items()
        }
        again = Engine(site(), states)
        from_s = again.needed_from_s(11, max((r.measured_at_s for r in self.records), default=0))
        assert from_s is not None
        again.warm_up([r for r in self.records if r.measured_at_s >= from_s])
        again._ticked_s = self.restarted._ticked_s
        self.restarted = again

    @precondition(lambda self: self.steady.states[FULL].active)
    @rule()
    def acknowledge(self) -> None:
        if self.steady.states[FULL].acknowledged_by:
            return
        for engine in (self.steady, self.restarted):
            engine.wish(FULL, lambda _watch, state: step.acknowledge(state, "vakt", self.now))

    @invariant()
    def equal(self) -> None:
        assert self.steady.states == self.restarted.states


Restarts.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestRestarts = Restarts.TestCase


OWN = {"disk_full": 0, "store_damaged": 0, "oldest_unsynced_s": 5, "outage_left_h": None, "sync_held": 0}


def own_told(happened: Sequence[Happened]) -> list[tuple[str, str, float | None]]:
    own = (h for h in happened if h.watch.node.id == GATEWAY and h.event.notify)
    return [(h.watch.rule.id, str(h.event.kind), h.event.value) for h in own]


def test_the_gateways_own_troubles_begin_and_end() -> None:
    engine = Engine(site(), {})
    found: list[Happened] = []
    for second in range(400):
        full = {"disk_full": int(20 <= second < 100)}
        found += engine.tick(T0 + second, T0, OWN | full).happened
    assert own_told(found) == [
        ("gateway-disk-full", "raised", 1.0),
        ("gateway-disk-full", "cleared", 0.0),
    ]
    # Looked at every few seconds when all is well, every second once something is not.
    raised, cleared = (h.event.at_s - T0 for h in found if h.watch.node.id == GATEWAY)
    assert 20 <= raised <= 25
    assert 100 + 120 <= cleared <= 100 + 122


def test_what_is_damaged_stays_until_somebody_has_seen_it() -> None:
    engine = Engine(site(), {})
    damaged = ("gateway-store-damaged", GATEWAY)
    engine.tick(T0, T0, OWN | {"store_damaged": 1})
    again = Engine(site(), engine.states)  # the gateway has started anew, and the damage is history
    again.tick(T0 + 60, T0, OWN)
    assert again.states[damaged].active
    found = again.wish(damaged, lambda _w, state: step.acknowledge(state, "me", T0 + 70)).happened
    assert [str(h.event.kind) for h in found] == ["acknowledged", "cleared"]


def test_an_unchanged_trouble_is_not_written_again() -> None:
    engine = Engine(site(), {})
    assert engine.tick(T0, T0, OWN | {"oldest_unsynced_s": 30_000}).states
    engine.tick(T0 + 121, T0, OWN | {"oldest_unsynced_s": 30_000})
    own = [
        id_
        for second in range(122, 200)
        for id_ in engine.tick(T0 + second, T0, OWN | {"oldest_unsynced_s": 30_000}).states
        if id_[1] == GATEWAY
    ]
    assert own == []


def test_what_is_not_known_raises_and_clears_nothing() -> None:
    engine = Engine(site(), {})
    assert own_told(engine.tick(T0, T0, OWN | {"outage_left_h": None}).happened) == []
    assert own_told(engine.tick(T0 + 9, T0, OWN | {"outage_left_h": 5}).happened) == [
        ("gateway-outage-room", "raised", 5.0)
    ]
    assert own_told(engine.tick(T0 + 19, T0, OWN).happened) == []
    assert own_told(engine.tick(T0 + 29, T0, OWN | {"outage_left_h": 500}).happened) == [
        ("gateway-outage-room", "cleared", 500.0)
    ]


def test_refused_records_are_an_alert_until_the_quarantine_is_empty() -> None:
    engine = Engine(site(), {})
    found: list[Happened] = []
    # Sync has said nothing; two are refused; the gateway starts anew and does not know; one is left; none.
    for second, count in ((0, None), (9, 2), (19, None), (29, 1), (39, None), (49, 0), (59, 0)):
        found += engine.tick(T0 + second, T0, OWN | {"records_quarantined": count}).happened
    assert own_told(found) == [("gateway-quarantine", "raised", 2.0), ("gateway-quarantine", "cleared", 0.0)]
    watch = engine.watches["gateway-quarantine", GATEWAY]
    assert value_text(watch, 2.0, "", False, "nb") == "2 målinger"


def test_a_clock_that_is_put_back_keeps_no_trouble_quiet() -> None:
    engine = Engine(site(), {})
    for now_s in (T0 + 90_000, T0 + 90_300):  # the clock shows tomorrow
        engine.tick(now_s, T0, OWN | {"disk_full": int(now_s < T0 + 90_100)})
    assert not own_told(engine.tick(T0, T0, OWN).happened)
    found: list[Happened] = []
    for second in range(1, 200):
        found += engine.tick(T0 + second, T0, OWN | {"disk_full": int(second < 10)}).happened
    kinds = [kind for _, kind, _ in own_told(found)]
    assert kinds[-1] == "cleared"
    assert not engine.states["gateway-disk-full", GATEWAY].active


def test_a_gateways_trouble_can_be_shelved() -> None:
    engine = Engine(site(), {})
    full = ("gateway-disk-full", GATEWAY)
    engine.wish(full, lambda _w, state: step.shelve(state, "me", T0 + 3600, T0))
    assert own_told(engine.tick(T0 + 5, T0, OWN | {"disk_full": 1}).happened) == []
    assert engine.states[full].active
    found = engine.tick(T0 + 3601, T0, OWN | {"disk_full": 1}).happened
    assert ("gateway-disk-full", "standing", 1.0) in own_told(found)
