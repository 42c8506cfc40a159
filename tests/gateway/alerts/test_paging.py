from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from device_configs.alert_schema import Recipient
from gateway.alerts.paging import FLOOD_PAGES, Message, Outbox, after_quiet_s, plan
from gateway.alerts.state import Event, Kind
from gateway.alerts.watches import Watch, watches
from tests.gateway.alerts.made import T0, site

OSLO = ZoneInfo("Europe/Oslo")
WATCHES = {watch.id: watch for watch in watches(site())}
VEI = site().recipients[0]


def watch(rule: str, node: int = 11) -> Watch:
    return WATCHES[rule, node]


def happen(
    outbox: Outbox, rule: str, kind: Kind = Kind.RAISED, *, node: int = 11, at_s: int = T0, number: int = 1
) -> list[Message]:
    event = Event(kind, at_s, number, notify=True, level=1 if kind is Kind.ESCALATED else 0)
    return plan(watch(rule, node), event, outbox, site().recipients, OSLO)


def local(hour: int, minute: int = 0, day: int = 10, month: int = 1) -> int:
    return int(datetime(2026, month, day, hour, minute, tzinfo=OSLO).timestamp())


@pytest.mark.parametrize(
    ("rule", "at_s", "due_s"),
    [
        ("stiger-fort", local(23), local(6, day=11)),
        ("stiger-fort", local(5, 59), local(6)),
        ("stiger-fort", local(6), local(6)),
        ("stiger-fort", local(21, 59), local(21, 59)),
        ("kulvert-100", local(3), local(3)),  # an alarm never waits
        ("kulvert-60", local(18), local(7, day=11)),
    ],
)
def test_quiet_hours_by_priority(rule: str, at_s: int, due_s: int) -> None:
    assert after_quiet_s(VEI, watch(rule).rule, at_s, OSLO) == due_s


def test_quiet_hours_on_the_night_the_clocks_change() -> None:
    at_s = local(23, day=28, month=3)
    due = after_quiet_s(VEI, watch("stiger-fort").rule, at_s, OSLO)
    assert datetime.fromtimestamp(due, UTC) == datetime(2026, 3, 29, 4, tzinfo=UTC)


def test_each_message_has_one_key() -> None:
    outbox = Outbox()
    keys = [
        message.key
        for kind in (Kind.RAISED, Kind.ESCALATED)
        for number in (1, 2)
        for message in happen(outbox, "kulvert-100", kind, number=number)
    ]
    assert keys == [
        "raised/kulvert-100/11/1", "raised/kulvert-100/11/2",
        "escalated/kulvert-100/11/1/1", "escalated/kulvert-100/11/2/1",
    ]  # fmt: skip
    assert happen(Outbox(), "kulvert-100")[0].key == keys[0]


def test_an_escalation_goes_to_the_next() -> None:
    assert happen(Outbox(), "kulvert-100", Kind.ESCALATED)[0].recipient == "beredskap"
    assert happen(Outbox(), "kulvert-100")[0].recipient == "vei"


def test_what_is_over_before_it_was_told_is_withdrawn() -> None:
    outbox = Outbox()
    (message,) = happen(outbox, "stiger-fort", at_s=local(23))
    (changed,) = happen(outbox, "stiger-fort", Kind.CLEARED, at_s=local(23, 30))
    assert (changed.key, changed.members) == (message.key, ())
    assert outbox.waiting == {}
    # Once it has been sent, the end is told.
    happen(outbox, "stiger-fort", at_s=local(12))
    outbox.waiting.clear()
    (cleared,) = happen(outbox, "stiger-fort", Kind.CLEARED, at_s=local(13))
    assert (cleared.kind, cleared.priority) == ("cleared", "info")


def test_many_nodes_lost_at_once_are_one_message() -> None:
    outbox, rule = Outbox(), watch("inntak-uten-data")
    sent = set()
    at_s = local(12)
    for i in range(500):  # their last records are up to ten minutes apart
        one = Watch(rule.rule, site().nodes[i % 2], rule.terms, rule.signal)
        for message in plan(one, Event(Kind.RAISED, at_s + i, i, notify=True), outbox, [VEI], OSLO):
            sent.add(message.key)
    assert len(sent) == 1
    (message,) = outbox.waiting.values()
    assert len(message.members) == 500
    assert message.due_s == at_s + 900


def test_more_than_ten_in_ten_minutes_become_one() -> None:
    outbox = Outbox()
    keys = set()
    for i in range(100):
        for message in happen(outbox, "kulvert-100", at_s=T0 + i, number=i):
            keys.add(message.key)
    single = {key for key in keys if key.startswith("raised/")}
    (group,) = keys - single
    assert len(single) == FLOOD_PAGES
    assert len(outbox.waiting[group].members) == 100 - FLOOD_PAGES


def test_escalations_and_ends_of_a_flood_are_gathered_too() -> None:
    outbox, keys = Outbox(), dict[str, int]()
    for number in range(60):
        happen(outbox, "kulvert-100", number=number)
    outbox.waiting.clear()  # they have been sent
    for kind in (Kind.ESCALATED, Kind.CLEARED):
        for number in range(60):
            for message in happen(outbox, "kulvert-100", kind, number=number, at_s=T0 + 60):
                keys[message.key] = len(message.members)
    # Escalations go to another recipient, who has had no page yet: ten, and a message for the rest.
    assert [n for key, n in keys.items() if key.startswith("escalated/")] == [1] * FLOOD_PAGES
    assert [n for key, n in keys.items() if key.startswith("flood/escalated/")] == [50]
    assert [n for key, n in keys.items() if key.startswith("cleared/")] == [60]


def test_without_notify_there_is_no_message() -> None:
    assert plan(watch("kulvert-100"), Event(Kind.RAISED, T0, 1), Outbox(), [VEI], OSLO) == []
    assert plan(watch("kulvert-100"), Event(Kind.RAISED, T0, 1, notify=True), Outbox(), [], OSLO)


def test_recipients_without_quiet_hours() -> None:
    always = Recipient.model_validate({"id": "vei", "role": "r"})
    assert after_quiet_s(always, watch("stiger-fort").rule, local(3), OSLO) == local(3)
