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
    if event.kind in BEGINS:
        message = _joined(rule, to, member, event, due_s, outbox)
    else:
        kind = str(event.kind)
        key = f"{kind}/{rule.id}/{watch.node.id}/{event.occurrence}/{event.level}"
        priority = rule.priority if event.kind is Kind.ESCALATED else "info"
        message = Message(key, to, priority, kind, event.at_s, due_s, (member,), event.level)
    outbox.waiting[message.key] = message
    return [message]


def _joined(rule: Rule, to: str, member: Member, event: Event, due_s: int, outbox: Outbox) -> Message:
    """Return the message that tells of an alert: one of its own, or one that gathers."""
    recent = [at_s for at_s in outbox.pages.get(to, []) if event.at_s - at_s < FLOOD_S]
    flood = len(recent) >= FLOOD_PAGES
    if rule.gather_s or flood:
        group = f"gathered/{rule.id}" if rule.gather_s else f"flood/{to}"
        for waiting in outbox.waiting.values():
            if waiting.key.startswith(group + "/") and waiting.kind == "raised":
                return replace(waiting, members=(*waiting.members, member))
        due_s = max(due_s, event.at_s + (rule.gather_s or FLOOD_GATHER_S))
        key = f"{group}/{member.node}/{rule.id}/{event.occurrence}"
    else:
        suffix = "" if event.kind is Kind.RAISED else "/standing"
        key = f"raised/{rule.id}/{member.node}/{event.occurrence}{suffix}"
    if rule.priority != "info":
        outbox.pages[to] = [*recent, event.at_s]
    return Message(key, to, rule.priority, "raised", event.at_s, due_s, (member,))


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
