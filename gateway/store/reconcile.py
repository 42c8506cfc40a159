"""Closing the ledger's days: every night what each node has made, what arrived, and what is lost and why."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import apsw

from gateway.heard import SequenceSet
from gateway.ledger import DAY_S, Day, capture_of_days, days
from gateway.store.reader import Reader

DAYS = 35  # that are looked at again: longer than nodes hold their records
SETTLES_S = DAY_S  # what was measured today may come tomorrow


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of one node. With `revision` 1 it was closed; each later one says what came in since."""

    node: int
    day_s: int
    day: Day
    revision: int = 0
    heard_since: int = 0


def losses_of(reader: Reader, node: int) -> dict[tuple[int, str], SequenceSet]:
    """Return what of a node is lost, by epoch and cause."""
    found: dict[tuple[int, str], SequenceSet] = {}
    for epoch, cause, first, last in reader.connection.execute(
        "SELECT epoch, cause, first, last FROM losses WHERE node = ? "
        "UNION ALL SELECT epoch, cause, first, last FROM pruned WHERE node = ? AND cause = 'cap'",
        (node, node),
    ):
        found.setdefault((epoch, cause), SequenceSet()).add(first, last)
    return found


def days_of(reader: Reader, node: int, from_s: int, to_s: int) -> dict[int, Day]:
    """Return the node's days that begin in from_s <= t < to_s, from what is stored now."""
    # A day's gaps are known by the records around them, so a day more on either side is looked at.
    traces = reader.traces(node, from_s - DAY_S, to_s + DAY_S)
    found = days(traces, losses_of(reader, node))
    return {day_s: day for day_s, day in found.items() if from_s <= day_s < to_s}


def reconcile(reader: Reader, nodes: Iterable[int], now_s: int) -> list[DayLine]:
    """Return the days that are to be entered: new ones, and those that have changed."""
    today_s = now_s // DAY_S * DAY_S
    last_s = (now_s - SETTLES_S) // DAY_S * DAY_S
    first_s = today_s - DAYS * DAY_S
    changed = []
    for node in nodes:
        known = {line.day_s: line for line in closed(reader, node, first_s, last_s)}
        for day_s, day in days_of(reader, node, first_s, last_s).items():
            before = known.get(day_s)
            if before is None:
                changed.append(DayLine(node, day_s, day, 1))
            elif day.heard > before.day.heard or (
                day.heard == before.day.heard
                and (day.missing, day.lost) != (before.day.missing, before.day.lost)
            ):  # fewer were heard only where records have been pruned since
                changed.append(DayLine(node, day_s, day, before.revision + 1, day.heard - before.day.heard))
    return changed


def closed(reader: Reader, node: int, from_s: int, to_s: int) -> list[DayLine]:
    """Return the node's days as they were entered, in order."""
    rows = reader.connection.execute(
        "SELECT day_s, heard, missing, lost, revision, heard_since FROM ledger_days "
        "WHERE node = ? AND day_s >= ? AND day_s < ? ORDER BY day_s",
        (node, from_s, to_s),
    )
    return [
        DayLine(node, day_s, Day(heard, missing, json.loads(lost)), revision, since)
        for day_s, heard, missing, lost, revision, since in rows
    ]


def enter(db: apsw.Connection, lines: Iterable[DayLine], now_ms: int) -> None:
    """Enter days, inside the writer's transaction."""
    db.executemany(
        "INSERT OR REPLACE INTO ledger_days VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                line.node,
                line.day_s,
                line.day.heard,
                line.day.missing,
                json.dumps(line.day.lost),
                line.revision,
                line.heard_since,
                now_ms,
            )
            for line in lines
        ],
    )


def open_days(reader: Reader, now_s: int) -> list[tuple[int, int, int]]:
    """Return (node, day_s, missing) of the days that do not close, the newest first.

    Older ones than nodes hold their records stay in the ledger as they are: nobody can do anything any more.
    """
    sql = "SELECT node, day_s, missing FROM ledger_days WHERE missing > 0 AND day_s >= ? "
    sql += "ORDER BY day_s DESC, node"
    rows: list[Any] = reader.connection.execute(sql, (now_s - DAYS * DAY_S,)).fetchall()
    return rows


def is_due(reader: Reader, now_s: int) -> bool:
    """Whether nobody has reconciled anything today yet."""
    ((last_ms,),) = reader.connection.execute("SELECT coalesce(max(closed_at_ms), 0) FROM ledger_days")
    return int(last_ms) // 1000 < now_s // DAY_S * DAY_S


def captures(reader: Reader, intervals: Mapping[int, int], from_s: int) -> dict[int, float]:
    """Return how much of what each node should report has arrived since, in percent, over its closed days."""
    heard: dict[int, dict[int, int]] = {}
    sql = "SELECT node, day_s, heard FROM ledger_days WHERE day_s >= ?"
    for node, day_s, count in reader.connection.execute(sql, (from_s,)):
        heard.setdefault(node, {})[day_s] = count
    found = {node: capture_of_days(heard.get(node, {}), every_s) for node, every_s in intervals.items()}
    return {node: percent for node, percent in found.items() if percent is not None}
