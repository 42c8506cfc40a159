"""`sensornett ledger`: what became of every record."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import apsw
import typer
from rich.console import Console
from rich.table import Table

from device_configs.loader import load_site
from gateway.ledger import DAY_S, TARGET_PERCENT, Day, capture_of_days, capture_percent
from gateway.store import STORE_NAME, SYNC_JOURNAL, Reader, StoreError
from gateway.store.memory import place_in_use
from gateway.store.reconcile import closed, days_of

FAILED = 1

app = typer.Typer(help="Account for every record.", no_args_is_help=False)


@app.command()
def ledger(
    state: Annotated[Path, typer.Option(help="The gateway's state directory.")],
    site: Annotated[Path | None, typer.Option(help="The site's folder: adds the capture percentage.")] = None,
    days: Annotated[int, typer.Option(help="How many days back (UTC).", min=1, max=4000)] = 7,
    node: Annotated[int | None, typer.Option(help="Only this node.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Each node's days: measured, stored, lost and why, still missing; and how far sync is.

    Exit status 1 where a day that has settled does not close.
    """
    intervals = {n.id: n.interval_s for n in load_site(site).nodes} if site else {}
    now_s = int(time.time())
    try:
        with Reader.open(place_in_use(state) / STORE_NAME) as reader:
            answer = account(reader, now_s, days, node, intervals)
    except StoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None
    answer["sync"] = sync_counts(state / SYNC_JOURNAL)
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        show(answer)
    if answer["open_days"]:
        raise typer.Exit(FAILED)


def account(
    reader: Reader, now_s: int, days: int, node: int | None, intervals: dict[int, int]
) -> dict[str, Any]:
    """Return the days and the sums. A day counts as open once it has had a day to settle."""
    today_s = now_s // DAY_S * DAY_S
    from_s = today_s - (days - 1) * DAY_S
    lines: list[dict[str, Any]] = []
    for one in [node] if node is not None else sorted(reader.stored()):
        found = days_of(reader, one, from_s, today_s + DAY_S)
        revisions = {line.day_s: line for line in closed(reader, one, from_s, today_s)}
        for day_s, line in revisions.items():  # records may have been pruned since it was closed
            if day_s not in found or line.day.heard > found[day_s].heard:
                found[day_s] = line.day
        for day_s, day in sorted(found.items()):
            seconds = min(DAY_S, now_s - day_s)
            lines.append(
                {
                    "node": one,
                    "day": datetime.fromtimestamp(day_s, UTC).strftime("%Y-%m-%d"),
                    "measured": day.measured,
                    "heard": day.heard,
                    "lost": day.lost,
                    "missing": day.missing,
                    "revision": revisions[day_s].revision if day_s in revisions else 0,
                    "capture_percent": _capture(day, intervals.get(one), seconds),
                    "open": not day.closes and day_s < today_s - DAY_S,
                }
            )
    sums: dict[str, Any] = {
        name: sum(line[name] for line in lines) for name in ("measured", "heard", "missing")
    }
    sums["lost"] = sum(sum(line["lost"].values()) for line in lines)
    sums["capture_percent"] = {str(one): percent for one, percent in _captures(lines, intervals, today_s)}
    return {"days": lines, **sums, "open_days": sum(line["open"] for line in lines)}


def _captures(
    lines: list[dict[str, Any]], intervals: dict[int, int], today_s: int
) -> Iterator[tuple[int, float]]:
    """Yield how much of what each node should have reported on the days that are over has arrived."""
    for one, interval_s in intervals.items():
        over = {
            int(datetime.fromisoformat(f"{line['day']}T00:00Z").timestamp()): line["heard"]
            for line in lines
            if line["node"] == one
        }
        over.pop(today_s, None)
        if (percent := capture_of_days(over, interval_s)) is not None:
            yield one, round(percent, 1)


def _capture(day: Day, interval_s: int | None, seconds: int) -> float | None:
    return None if interval_s is None else round(capture_percent(day.heard, interval_s, seconds), 1)


def sync_counts(path: Path) -> dict[str, int] | None:
    """Return what sync has achieved altogether; None where it was never set up. Its file is only read."""
    if not path.exists():
        return None
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            ((synced, refused, dropped),) = db.execute(
                "SELECT coalesce((SELECT value FROM meta WHERE key = 'synced'), 0), "
                "count(*) FILTER (WHERE dropped_at_ms IS NULL), count(dropped_at_ms) FROM quarantine"
            )
        finally:
            db.close()
    except apsw.Error as error:
        raise typer.BadParameter(f"{path}: cannot be read: {error}") from error
    return {"synced": synced, "quarantined": refused, "dropped": dropped}


def show(answer: dict[str, Any]) -> None:
    console = Console()
    columns = ("node", "day (UTC)", "measured", "stored", "lost", "missing", "capture %", "")
    table = Table(*columns, box=None)
    for line in answer["days"]:
        lost = ", ".join(f"{count} {cause}" for cause, count in line["lost"].items()) or "0"
        capture = line["capture_percent"]
        below = capture is not None and capture < TARGET_PERCENT
        notes = [f"revision {line['revision']}"] if line["revision"] > 1 else []
        notes += ["does not close"] if line["open"] else []
        table.add_row(
            str(line["node"]), line["day"], str(line["measured"]), str(line["heard"]), lost,
            str(line["missing"]), "-" if capture is None else f"{capture:.1f}{' !' if below else ''}",
            ", ".join(notes),
        )  # fmt: skip
    console.print(table if answer["days"] else "No records in this time.")
    console.print(
        f"measured {answer['measured']}, stored {answer['heard']}, lost {answer['lost']}, "
        f"missing {answer['missing']}; {answer['open_days']} days do not close"
    )
    for one, percent in answer["capture_percent"].items():
        below = f", below {TARGET_PERCENT:.0f} %" if percent < TARGET_PERCENT else ""
        console.print(f"node {one}: {percent:.1f} % of what it should have reported has arrived{below}")
    sync = answer["sync"]
    if sync is None:
        console.print("sync: off")
    else:
        console.print(
            f"sync, over all time: {sync['synced']} in InfluxDB, {sync['quarantined']} in quarantine, "
            f"{sync['dropped']} given up"
        )
