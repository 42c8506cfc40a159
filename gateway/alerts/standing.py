"""The list of standing alarms: what is active now, for the page and for `sensornett alerts list`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.alerts.state import State
from gateway.alerts.texts import value_text
from gateway.alerts.watches import Watch, WatchId

_PRIORITIES = ("alarm", "warning", "info")


@dataclass(frozen=True, slots=True)
class Standing:
    """One active alert. Times are UTC seconds; `value` is in the integer unit of what the rule watches.

    `texts` has for "nb" and "en": name, seen, cause, consequence, action.
    """

    id: str
    rule: str
    node: int
    node_name: str
    occurrence: int
    priority: str
    key: str
    state: str
    since_s: int
    measured_at_s: int | None
    value: float | None
    beyond: bool
    monitored: bool
    respond_within_min: int
    acknowledged_by: str
    acknowledged_at_s: int | None
    shelved_until_s: int | None
    out_of_service: bool
    announced: bool
    texts: Mapping[str, Mapping[str, str]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def standing(watches: Mapping[WatchId, Watch], states: Mapping[WatchId, State]) -> list[Standing]:
    """Return what is active, the most urgent and, of those, the unacknowledged and the oldest first."""
    found = [_standing(watches[id_], state) for id_, state in states.items() if state.active]
    return sorted(
        found,
        key=lambda s: (_PRIORITIES.index(s.priority), bool(s.acknowledged_by), s.since_s, s.id),
    )


def watch_counts(states: Iterable[State]) -> dict[str, int]:
    """Return how many watches are in each phase, silent ones counted apart: what is *not* being watched."""
    counts: dict[str, int] = {}
    for state in states:
        counts[str(state.phase)] = counts.get(str(state.phase), 0) + 1
        if state.shelved_until_s is not None:
            counts["shelved"] = counts.get("shelved", 0) + 1
        if state.out_of_service_by:
            counts["out_of_service"] = counts.get("out_of_service", 0) + 1
    return counts


def _typeset(text: str) -> str:
    """Return a text with true minus signs, which text messages can not have."""
    return re.sub(r"(?<!\d)-(?=\d)", "\u2212", text)


def _standing(watch: Watch, state: State) -> Standing:
    rule = watch.rule
    texts = {}
    for language in ("nb", "en"):
        words = rule.texts(language)
        texts[language] = {
            "name": words.name,
            "seen": _typeset(value_text(watch, state.value, state.evidence, state.beyond, language)),
            "cause": words.cause,
            "consequence": words.consequence,
            "action": words.action,
        }
    return Standing(
        f"{rule.id}/{watch.node.id}",
        rule.id,
        watch.node.id,
        watch.node.name,
        state.occurrence,
        rule.priority,
        rule.key,
        str(state.phase),
        state.raised_at_s or 0,
        state.newest_s,
        state.value,
        state.beyond,
        not state.blind,
        rule.respond_within_min,
        state.acknowledged_by,
        state.acknowledged_at_s,
        state.shelved_until_s,
        bool(state.out_of_service_by),
        state.announced,
        texts,
    )
