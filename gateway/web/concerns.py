"""What needs somebody's attention now: standing alerts, sensors that fail, nodes that are silent. Pure.

Alerts come from whoever keeps them (see `Alert`). Where nobody does, `provisional` judges the limits as far
as a look at the newest values goes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from device_configs.alert_schema import Rule
from gateway.hydrology.signature import Intake
from gateway.web.live import NodeLive
from gateway.web.places import Place
from wire.quantities import FAULT

Priority = Literal["alarm", "warning", "fault", "info"]
PRIORITIES: tuple[Priority, ...] = ("alarm", "warning", "fault", "info")
What = Literal["alert", "silent", "never", "sensor"]
Texts = Mapping[str, str]
LANGUAGES = ("nb", "en")


class Alert(Protocol):
    """One standing alert. `texts` has for each language: name, seen and action, among others."""

    @property
    def node(self) -> int: ...
    @property
    def priority(self) -> str: ...
    @property
    def since_s(self) -> int: ...
    @property
    def respond_within_min(self) -> int: ...
    @property
    def acknowledged_by(self) -> str: ...
    @property
    def texts(self) -> Mapping[str, Texts]: ...


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing at one node, since a time. Only an alert has `texts` of its own: name, seen, action."""

    priority: Priority
    what: What
    node: int
    since_s: int | None
    texts: Mapping[str, Texts] | None = None
    within_min: int | None = None
    acknowledged_by: str = ""

    @property
    def rank(self) -> tuple[int, bool, int]:
        """Sorts by priority, then what nobody has taken, then the oldest first."""
        return PRIORITIES.index(self.priority), bool(self.acknowledged_by), self.since_s or 0


def concerns(nodes: Iterable[NodeLive], alerts: Iterable[Alert], now_s: float) -> list[Concern]:
    """Return everything that needs attention, the most urgent first."""
    found = [concern for node in nodes for concern in broken(node, now_s)]
    found += [
        Concern(
            next((p for p in PRIORITIES if p == alert.priority), "warning"),
            "alert",
            alert.node,
            alert.since_s,
            alert.texts,
            alert.respond_within_min,
            alert.acknowledged_by,
        )
        for alert in alerts
    ]
    return sorted(found, key=lambda concern: concern.rank)


def broken(node: NodeLive, now_s: float) -> list[Concern]:
    """Return whether the node is silent, or its main sensor fails; of one on the shelf nothing is missed."""
    if node.on_shelf_s is not None:
        return []
    if node.last is None:
        return [Concern("info", "never", node.place.id, None)]
    if node.stale(now_s):
        return [Concern("fault", "silent", node.place.id, node.last.measured_at_s)]
    sample = node.newest.get(node.place.main)
    if sample is not None and sample.quality == FAULT:
        return [Concern("fault", "sensor", node.place.id, sample.at_s)]
    return []


@dataclass(frozen=True, slots=True)
class Passed:
    """An alert of this page's own making."""

    node: int
    priority: str
    since_s: int
    respond_within_min: int
    texts: Mapping[str, Texts]
    acknowledged_by: str = ""


def provisional(nodes: Iterable[NodeLive], now_s: float) -> list[Alert]:
    """Return the levels and signatures that hold at the newest values of nodes that are not silent.

    Of the rules' conditions these are: above, below, difference_above, soffit_above_percent, signature.
    """
    found: list[Alert] = []
    for node in nodes:
        if node.stale(now_s):
            continue
        for rule in node.place.rules:
            since_s = holds_since(node, rule)
            if since_s is not None and now_s - since_s >= rule.on_delay_s:
                texts = {la: _texts(rule, la) for la in LANGUAGES}
                found.append(Passed(node.place.id, rule.priority, since_s, rule.respond_within_min, texts))
    return found


def _texts(rule: Rule, language: str) -> Texts:
    words = rule.texts(language)
    return {"name": words.name, "action": words.action, "seen": ""}


def holds_since(node: NodeLive, rule: Rule) -> int | None:
    """Return since when a rule's condition holds without a break; None where it does not."""
    since_s = None
    for at_s, holds in reversed(_course(node, rule)):
        if not holds:
            break
        since_s = at_s
    return since_s


def _course(node: NodeLive, rule: Rule) -> Sequence[tuple[int, bool]]:
    """Return at which times the condition did and did not hold, in order of time."""
    values = [(point.at_s, point.value) for point in node.points(rule.key)]
    level = level_of(node.place, rule)
    if rule.below is not None:
        return [(at_s, value < rule.below) for at_s, value in values]
    if level is not None:
        return [(at_s, value > level) for at_s, value in values]
    if rule.difference_above is not None and rule.minus is not None:
        pairs = _pairs(node, rule.key, rule.minus)
        return [(at_s, a - b > rule.difference_above) for at_s, a, b in pairs]
    if rule.signature is not None:
        intake = Intake()
        verdicts = [(at_s, intake.add(at_s, a, b)) for at_s, a, b in _pairs(node, rule.key, "down_level_mm")]
        return [(at_s, str(verdict.signature) in rule.signature) for at_s, verdict in verdicts]
    return ()


def _pairs(node: NodeLive, key: str, other: str) -> list[tuple[int, float, float]]:
    """Return the values of two keys that were measured together."""
    others = {point.at_s: point.value for point in node.points(other)}
    return [(p.at_s, p.value, others[p.at_s]) for p in node.points(key) if p.at_s in others]


def level_of(place: Place, rule: Rule) -> float | None:
    """Return the level above which a rule holds, in its key's unit; None where it watches something else."""
    if rule.above is not None:
        return rule.above
    if rule.soffit_above_percent is not None and place.intake is not None:
        floor_mm, soffit_mm = place.intake.invert_mm, place.intake.soffit_mm
        return floor_mm + (soffit_mm - floor_mm) * rule.soffit_above_percent / 100
    return None


def limit_of(place: Place, key: str) -> float | None:
    """Return the level to draw: the lowest at which somebody has to act, else the lowest of all."""
    levels = [(rule, level) for rule in place.rules if rule.key == key and (level := level_of(place, rule))]
    serious = [level for rule, level in levels if rule.priority != "info"]
    return min(serious or [level for _, level in levels], default=None)
