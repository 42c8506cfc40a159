"""What needs somebody's attention now: limits passed, sensors that fail, nodes that are silent. Pure.

Limits are judged here only as far as a look at the newest values goes. Whoever keeps real alerts hands
them to the page instead (see `pages.Pages`); silent nodes and failing sensors are still found here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from device_configs.site_schema import Rule
from gateway.web.live import NodeLive
from gateway.web.window import Point
from wire.quantities import FAULT

Priority = Literal["alarm", "warning", "fault", "info"]
PRIORITIES: tuple[Priority, ...] = ("alarm", "warning", "fault", "info")
What = Literal["rule", "silent", "never", "sensor"]


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing, at one node, since a time. A `rule` names the limit; `key` the value it is about."""

    priority: Priority
    what: What
    node: int
    since_s: int | None
    key: str
    value: float | None = None
    rule: Rule | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts by priority, then the oldest first."""
        return PRIORITIES.index(self.priority), self.since_s or 0


def concerns(nodes: Iterable[NodeLive], now_s: float) -> list[Concern]:
    """Return everything that needs attention, the most urgent first."""
    found: list[Concern] = []
    for node in nodes:
        found += broken(node, now_s)
        if not node.stale(now_s):
            found += [c for rule in node.place.rules if (c := passed(node, rule, now_s)) is not None]
    return sorted(found, key=lambda concern: concern.rank)


def broken(node: NodeLive, now_s: float) -> list[Concern]:
    """Return whether the node is silent, or its main sensor fails."""
    main = node.place.main
    if node.last is None:
        return [Concern("info", "never", node.place.id, None, main)]
    if node.stale(now_s):
        return [Concern("fault", "silent", node.place.id, node.last.measured_at_s, main)]
    sample = node.newest.get(main)
    if sample is not None and sample.quality == FAULT:
        return [Concern("fault", "sensor", node.place.id, sample.at_s, main)]
    return []


def passed(node: NodeLive, rule: Rule, now_s: float) -> Concern | None:
    """Return the concern if the level of `rule` has been passed for as long as it asks."""
    sample = node.newest.get(rule.key)
    if sample is None or sample.value is None or not beyond(rule, sample.value):
        return None
    since_s = sample.at_s
    for point in reversed(node.points(rule.key)):
        if not beyond(rule, point.value):
            break
        since_s = min(since_s, point.at_s)
    if now_s - since_s < rule.on_delay_s:
        return None
    return Concern(rule.priority, "rule", node.place.id, since_s, rule.key, sample.value, rule)


def beyond(rule: Rule, value: float) -> bool:
    """Whether `value` is above or below the level of `rule`."""
    return (rule.above is not None and value > rule.above) or (rule.below is not None and value < rule.below)


def limit_of(rules: Iterable[Rule]) -> tuple[float, Rule] | None:
    """Return the level that matters most, with its rule: the one to draw."""
    levels = [(rule.above, rule) for rule in rules if rule.above is not None]
    if levels:
        return min(levels, key=lambda level: level[0])
    below = [(rule.below, rule) for rule in rules if rule.below is not None]
    return max(below, key=lambda level: level[0]) if below else None


def first_beyond(points: Iterable[Point], rule: Rule) -> int | None:
    """Return when the first of `points` passed the level."""
    return next((p.at_s for p in points if beyond(rule, p.value)), None)
