"""Which events become messages, to whom, when, and which of them are one message. Pure.

Three things keep a storm of alerts from becoming a storm of pages: rules that gather (`gather_s`), flood
grouping (more than ten pages of a recipient within ten minutes become one), and quiet hours by priority.
What is over before anybody could be told is taken out of its message again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from device_configs.alert_schema import Recipient, Rule
from gateway.alerts.state import Event, Kind
from gateway.alerts.watches import Watch, WatchId

FLOOD_PAGES, FLOOD_S = 10, 600  # ISA-18.2: more than ten in ten minutes is a flood
FLOOD_GATHER_S = 120
CLEARED_GATHER_S = 60  # nobody is in a hurry to hear that it is over
BEGINS = (Kind.RAISED, Kind.STANDING)


@dataclass(frozen=True, slots=True)
class Member:
    """One alert in a message."""

    rule: str
    node: int
    occurrence: int
    value: float | None = None
    at_s: int = 0
    measured_at_s: int | None = None
    beyond: bool = False
    evidence: str = ""

    @property
    def watch(self) -> WatchId:
        return self.rule, self.node


@dataclass(frozen=True, slots=True)
class Message:
    """One message in the outbox. `key` is the same whenever the same thing is told again.

    `kind` is "raised", "cleared", "escalated" or another word of the history; `due_s` is when it may go.
    """

    key: str
    recipient: str
    priority: str
    kind: str
    created_s: int
    due_s: int
    members: tuple[Member, ...]
    level: int = 0
    drill: bool = False


@dataclass(slots=True)
class Outbox:
    """What waits, as far as planning has to know it, and when the last pages went to whom."""

    waiting: dict[str, Message] = field(default_factory=dict)
    pages: dict[str, list[int]] = field(default_factory=dict)


def plan(
    watch: Watch, event: Event, outbox: Outbox, recipients: Sequence[Recipient], zone: ZoneInfo
) -> list[Message]:
    """Return the messages that are new or changed by an event; one without members is withdrawn.

    `outbox` is brought up to date as well.
    """
    if not event.notify:
        return []
    member = _member(watch, event)
    if event.kind is Kind.CLEARED:
        changed = _withdraw(outbox, member)
        if changed is not None:
            return [changed]
    rule = watch.rule
    to = rule.escalate_to or rule.recipient if event.kind is Kind.ESCALATED else rule.recipient
    recipient = next((r for r in recipients if r.id == to), None)
    due_s = event.at_s if recipient is None else after_quiet_s(recipient, rule, event.at_s, zone)
    message = _joined(rule, to, member, event, due_s, outbox)
    outbox.waiting[message.key] = message
    return [message]


def _joined(rule: Rule, to: str, member: Member, event: Event, due_s: int, outbox: Outbox) -> Message:
    """Return the message that tells of an event: one of its own, or one that gathers."""
    kind = "raised" if event.kind in BEGINS else str(event.kind)
    priority = "info" if kind == "cleared" else rule.priority
    recent = [at_s for at_s in outbox.pages.get(to, []) if 0 <= event.at_s - at_s < FLOOD_S]
    if kind == "cleared":
        group, gather_s = f"cleared/{to}", CLEARED_GATHER_S
    elif kind == "raised" and rule.gather_s:
        group, gather_s = f"gathered/{rule.id}", rule.gather_s
    elif len(recent) >= FLOOD_PAGES:
        group, gather_s = f"flood/{kind}/{to}", FLOOD_GATHER_S
    else:
        group, gather_s = "", 0
    if group:
        for waiting in outbox.waiting.values():
            if waiting.key.startswith(group + "/"):
                return replace(waiting, members=(*waiting.members, member))
    ending = "/standing" if event.kind is Kind.STANDING else f"/{event.level}" if event.level else ""
    key = f"{group or kind}/{rule.id}/{member.node}/{event.occurrence}{ending}"
    if priority != "info":
        outbox.pages[to] = [*recent, event.at_s]
    due_s = max(due_s, event.at_s + gather_s)
    return Message(key, to, priority, kind, event.at_s, due_s, (member,), event.level)


def _withdraw(outbox: Outbox, member: Member) -> Message | None:
    """Return the waiting message without an alert that is over; None where people know of it already."""
    for message in outbox.waiting.values():
        if message.kind != "raised":
            continue
        kept = tuple(
            m for m in message.members if (m.watch, m.occurrence) != (member.watch, member.occurrence)
        )
        if len(kept) < len(message.members):
            changed = replace(message, members=kept)
            if kept:
                outbox.waiting[message.key] = changed
            else:
                del outbox.waiting[message.key]
            return changed
    return None


def after_quiet_s(recipient: Recipient, rule: Rule, at_s: int, zone: ZoneInfo) -> int:
    """Return when a message may go: now, or at the end of the recipient's quiet hours."""
    hours = None if rule.priority == "alarm" else recipient.quiet.get(rule.priority)
    if hours is None:
        return at_s
    now = datetime.fromtimestamp(at_s, zone)
    begin, end = ((int(t[:2]), int(t[3:])) for t in hours.split("-"))
    minute = now.hour, now.minute
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    if not inside:
        return at_s
    until = now.replace(hour=end[0], minute=end[1], second=0, microsecond=0)
    if minute >= end:
        until += timedelta(days=1)
    return max(at_s, int(until.timestamp()))


def _member(watch: Watch, event: Event) -> Member:
    return Member(
        watch.rule.id,
        watch.node.id,
        event.occurrence,
        event.value,
        event.at_s,
        event.measured_at_s,
        event.beyond,
        event.evidence,
    )
