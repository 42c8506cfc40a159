"""What people record: how an alert ended, rounds to the grates; and what that says of each rule."""

from dataclasses import dataclass
from statistics import median
from typing import Any

import apsw

from gateway.alerts.step import Refused

OUTCOMES = ("real", "false", "handled")


@dataclass(frozen=True, slots=True)
class Closing:
    """How one alert ended: it was real, false, or somebody had already taken care of it."""

    rule: str
    node: int
    occurrence: int
    at_s: int
    by: str
    outcome: str
    on_site_min: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an alert at a place and time turned out to be."""

    node: int
    at_s: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """One look at a grate: how much of it was blocked, in percent, and whether it was cleaned."""

    node: int
    at_s: int
    by: str
    blocked_percent: int
    cleaned: bool = False
    photo: str = ""
    note: str = ""


def close(db: apsw.Connection, closing: Closing) -> None:
    """Record an outcome; a later one of the same alert replaces it. Raises Refused."""
    if not closing.by:
        raise Refused("say who you are")
    raised = db.execute(
        "SELECT 1 FROM events WHERE rule = ? AND node = ? AND occurrence = ? AND kind = 'raised'",
        (closing.rule, closing.node, closing.occurrence),
    ).fetchall()
    if not raised:
        raise Refused(f"{closing.rule}/{closing.node} has had no alert number {closing.occurrence}")
    with db:
        db.execute(
            "INSERT OR REPLACE INTO closings "
            "(rule, node, occurrence, at_s, by, outcome, on_site_min, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                closing.rule,
                closing.node,
                closing.occurrence,
                closing.at_s,
                closing.by,
                closing.outcome,
                closing.on_site_min,
                closing.note,
            ),
        )


def outcomes(db: apsw.Connection) -> list[Recorded]:
    """Return the outcome of every alert that has one, by place and time."""
    rows: list[Any] = db.execute(
        "SELECT e.node, e.at_s, c.outcome FROM closings AS c JOIN events AS e USING (rule, node, occurrence) "
        "WHERE e.kind = 'raised' ORDER BY e.at_s"
    ).fetchall()
    return [Recorded(*row) for row in rows]


def inspect(db: apsw.Connection, inspection: Inspection) -> None:
    """Record a round. Raises Refused."""
    if not inspection.by:
        raise Refused("say who you are")
    if not 0 <= inspection.blocked_percent <= 100:
        raise Refused("how much is blocked is 0 to 100 percent")
    with db:
        db.execute(
            "INSERT INTO inspections (node, at_s, by, blocked_percent, cleaned, photo, note) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                inspection.node,
                inspection.at_s,
                inspection.by,
                inspection.blocked_percent,
                inspection.cleaned,
                inspection.photo,
                inspection.note,
            ),
        )


def history(db: apsw.Connection, node: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the newest events first, each with the outcome recorded for its alert."""
    rows = db.execute(
        "SELECT e.at_s, e.rule, e.node, e.occurrence, e.kind, e.priority, e.notify, e.value, "
        "e.measured_at_s, e.evidence, e.by, e.note, c.outcome FROM events AS e "
        "LEFT JOIN closings AS c USING (rule, node, occurrence) "
        "WHERE ?1 IS NULL OR e.node = ?1 ORDER BY e.id DESC LIMIT ?2",
        (node, limit),
    )
    names = (
        "at_s", "rule", "node", "occurrence", "kind", "priority", "notify", "value", "measured_at_s",
        "evidence", "by", "note", "outcome",
    )  # fmt: skip
    return [dict(zip(names, row, strict=True)) for row in rows]


def figures(db: apsw.Connection) -> list[dict[str, Any]]:
    """Return, for each rule and node, how good its alerts were.

    alerts; pages (of which people were told); precision: real / (real + false), where "handled" counts as
    real, None while no outcome is recorded; median seconds until somebody acknowledged; and inspections of
    the place, with how many of them found less than a tenth blocked: those a trusted alert spares.
    """
    counts: dict[tuple[str, int], dict[str, Any]] = {}
    for rule, node, alerts, pages in db.execute(
        "SELECT rule, node, sum(kind = 'raised'), sum(notify AND kind IN ('raised', 'standing')) "
        "FROM events GROUP BY rule, node"
    ):
        counts[rule, node] = {"rule": rule, "node": node, "alerts": alerts, "pages": pages}
    for rule, node, real, false in db.execute(
        "SELECT rule, node, sum(outcome <> 'false'), sum(outcome = 'false') FROM closings GROUP BY rule, node"
    ):
        counts.setdefault((rule, node), {"rule": rule, "node": node, "alerts": 0, "pages": 0})
        counts[rule, node]["precision"] = real / (real + false)
    delays: dict[tuple[str, int], list[int]] = {}
    for rule, node, delay in db.execute(
        "SELECT a.rule, a.node, a.at_s - r.at_s FROM events AS a "
        "JOIN events AS r USING (rule, node, occurrence) WHERE a.kind = 'acknowledged' AND r.kind = 'raised'"
    ):
        delays.setdefault((rule, node), []).append(delay)
    rounds = {
        node: (total, needless)
        for node, total, needless in db.execute(
            "SELECT node, count(*), sum(blocked_percent < 10) FROM inspections GROUP BY node"
        )
    }
    for key, line in counts.items():
        line.setdefault("precision", None)
        line["acknowledged_after_s"] = median(delays[key]) if key in delays else None
        line["inspections"], line["needless_inspections"] = rounds.get(key[1], (0, 0))
    return [counts[key] for key in sorted(counts)]
