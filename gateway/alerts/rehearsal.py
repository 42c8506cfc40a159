"""Replays history through a rule set: when it would have paged, how often, which rule cries wolf. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from device_configs.model import Site
from gateway.alerts.engine import Engine, Result
from gateway.alerts.paging import BEGINS, Message, Outbox, plan
from gateway.alerts.records import Recorded
from gateway.alerts.state import Kind
from gateway.model import StoredRecord

TICK_S = 300
DAY_S = 86_400
NEAR_S = 3600


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it would have been. `paged`: people would have been called, and not just shown it."""

    rule: str
    node: int
    raised_s: int
    cleared_s: int | None
    value: float | None
    evidence: str
    paged: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rule set would have done. `pages` are messages of warnings and alarms that begin something."""

    alerts: tuple[Alert, ...]
    pages: tuple[Message, ...]
    days: float

    @property
    def busiest_day(self) -> int:
        """The most pages in one day of 24 h (UTC)."""
        return max(Counter(page.due_s // DAY_S for page in self.pages).values(), default=0)

    def caught(self, recorded: Iterable[Recorded]) -> Mapping[str, tuple[int, int]]:
        """Return, for each outcome, how many of those alerts this rule set would have paged for, of how many.

        An alert counts as caught by a page of any rule at the same node within `NEAR_S`.
        """
        found: dict[str, tuple[int, int]] = {}
        for each in recorded:
            near = any(
                a.paged and a.node == each.node and abs(a.raised_s - each.at_s) <= NEAR_S for a in self.alerts
            )
            caught, total = found.get(each.outcome, (0, 0))
            found[each.outcome] = caught + near, total + 1
        return found

    def by_rule(self) -> Mapping[str, int]:
        """Return how often each rule would have paged, the bad actor first."""
        return dict(Counter(alert.rule for alert in self.alerts if alert.paged).most_common())


def rehearse(site: Site, records: Iterable[StoredRecord], tick_s: int = TICK_S) -> Rehearsal:
    """Replay records in the order they were received, with the clock of that time. Nobody acknowledges."""
    ordered = sorted(records, key=lambda r: (r.received_at_ms, r.commit))
    if not ordered:
        return Rehearsal((), (), 0.0)
    run = _Run(site)
    begin_s = now_s = ordered[0].received_at_ms // 1000
    for record in ordered:
        at_s = record.received_at_ms // 1000
        while now_s + tick_s < at_s:
            now_s += tick_s
            run.note(run.engine.tick(now_s, begin_s), now_s)
        now_s = at_s
        run.note(run.engine.take([record], now_s), now_s)
        run.note(run.engine.tick(now_s, begin_s), now_s)
    return Rehearsal(tuple(run.alerts), tuple(run.pages(now_s)), (now_s - begin_s) / DAY_S)


class _Run:
    def __init__(self, site: Site) -> None:
        self.engine = Engine(site, {})
        self.alerts: list[Alert] = []
        self._site = site
        self._zone = ZoneInfo(site.timezone)
        self._outbox = Outbox()
        self._sent: list[Message] = []
        self._open: dict[tuple[str, int], int] = {}  # index of the alert that stands

    def note(self, result: Result, now_s: int) -> None:
        for happened in result.happened:
            rule, event, id_ = happened.watch.rule, happened.event, happened.watch.id
            plan(happened.watch, event, self._outbox, self._site.recipients, self._zone)
            paged = event.notify and rule.priority != "info"
            if event.kind is Kind.RAISED:
                self._open[id_] = len(self.alerts)
                self.alerts.append(
                    Alert(rule.id, happened.watch.node.id, now_s, None, event.value, event.evidence, paged)
                )
            elif event.kind in BEGINS:
                self._change(id_, paged=paged)
            elif event.kind is Kind.CLEARED:
                self._change(id_, cleared_s=now_s)
        for key in [key for key, message in self._outbox.waiting.items() if message.due_s <= now_s]:
            self._sent.append(self._outbox.waiting.pop(key))

    def _change(
        self, id_: tuple[str, int], *, paged: bool | None = None, cleared_s: int | None = None
    ) -> None:
        old = self.alerts[self._open[id_]]
        self.alerts[self._open[id_]] = Alert(
            old.rule,
            old.node,
            old.raised_s,
            cleared_s if cleared_s is not None else old.cleared_s,
            old.value,
            old.evidence,
            old.paged if paged is None else paged,
        )

    def pages(self, now_s: int) -> list[Message]:
        messages = [*self._sent, *self._outbox.waiting.values()]
        return [m for m in messages if m.kind == "raised" and m.priority != "info" and m.created_s <= now_s]
