"""`sensornett alerts`: the standing alarms, and what to do about them."""

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import apsw
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from device_configs.loader import load_site
from device_configs.model import Site
from gateway import audit
from gateway.alerts.records import Recorded, outcomes
from gateway.alerts.rehearsal import Rehearsal
from gateway.alerts.rehearsal import rehearse as rehearsed
from gateway.control import SOCKET_NAME, ControlError, request
from gateway.store import STORE_NAME, Reader

FAILED, USAGE = 1, 2
STYLES = {"alarm": "bold red", "warning": "yellow", "info": ""}

app = typer.Typer(help="See, acknowledge and shelve alerts.", no_args_is_help=True)

State = Annotated[Path, typer.Option(help="The gateway's state directory.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Id = Annotated[str, typer.Argument(metavar="ALERT", help="rule/node, or a node with one active alert.")]
By = Annotated[str | None, typer.Option(help="Who you are. Left out: your login name.")]
Note = Annotated[str, typer.Option(help="A line for the history.")]


@app.command("list")
def list_(
    state: State,
    language: Annotated[str, typer.Option(help="nb or en.")] = "nb",
    as_json: Json = False,
) -> None:
    """What is active now, the most urgent first."""
    answer = _ask(state, {"do": "alerts_list"})
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = Console()
    for each in answer["standing"]:
        texts = each["texts"]["en" if language == "en" else "nb"]
        by = each["acknowledged_by"] or _quiet(each) or f"respond within {each['respond_within_min']} min"
        failed = "" if each["monitored"] else " (the sensor has failed since)"
        console.print(f"{each['priority']}  {each['id']}", style=STYLES[each["priority"]], highlight=False)
        for line in (
            f"{each['node_name']}: {texts['name']}. {texts['seen']}{failed}",
            f"since {_utc(each['since_s'])} UTC; {by}",
            texts["action"],
        ):
            console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    if not answer["standing"]:
        console.print("No active alerts.")
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in answer["watches"].items())
    console.print(f"Watches: {counts}. Messages waiting: {answer['messages_waiting']}.", style="dim")


@app.command()
def ack(alert: Id, state: State, by: By = None, as_json: Json = False) -> None:
    """Say that you take care of it: nobody else is paged for it any more."""
    _do(state, {"do": "alerts_ack", "id": alert, "by": by or audit.who()}, "acknowledged", as_json)


@app.command()
def shelve(
    alert: Id,
    state: State,
    minutes: Annotated[int, typer.Option(help="For how long; a week at most.")] = 60,
    by: By = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Keep an alert quiet for a while. It comes back by itself if it still stands then."""
    message = {"do": "alerts_shelve", "id": alert, "by": by or audit.who(), "minutes": minutes, "note": note}
    _do(state, message, f"shelved for {minutes} min", as_json)


@app.command()
def unshelve(alert: Id, state: State, by: By = None, as_json: Json = False) -> None:
    """End a shelf early."""
    _do(state, {"do": "alerts_unshelve", "id": alert, "by": by or audit.who()}, "is heard again", as_json)


@app.command()
def disable(alert: Id, state: State, by: By = None, note: Note = "", as_json: Json = False) -> None:
    """Take an alert out of service, for repairs, until it is enabled again."""
    message = {"do": "alerts_out_of_service", "id": alert, "by": by or audit.who(), "note": note}
    _do(state, message, "is out of service", as_json)


@app.command()
def enable(alert: Id, state: State, by: By = None, as_json: Json = False) -> None:
    """Put an alert into service again."""
    _do(state, {"do": "alerts_in_service", "id": alert, "by": by or audit.who()}, "is in service", as_json)


@app.command()
def maintain(
    node: Annotated[int, typer.Argument(help="Number of the node.")],
    state: State,
    minutes: Annotated[int, typer.Option(help="For how long; 0 ends it.")] = 60,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Keep all alerts of a node quiet while somebody works on it."""
    message = {"do": "alerts_maintain", "node": node, "by": by or audit.who(), "minutes": minutes}
    _do(state, message, f"maintenance for {minutes} min", as_json)


@app.command()
def close(
    alert: Id,
    outcome: Annotated[str, typer.Argument(help="real, false, or handled: somebody had been there already.")],
    state: State,
    minutes: Annotated[int | None, typer.Option(help="Time on site.")] = None,
    number: Annotated[int | None, typer.Option(help="Which of its alerts; left out: the last one.")] = None,
    by: By = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Record how an alert ended: what the next rule is judged by."""
    message = {
        "do": "alerts_close", "id": alert, "outcome": outcome, "on_site_min": minutes, "occurrence": number,
        "by": by or audit.who(), "note": note,
    }  # fmt: skip
    _do(state, message, f"closed as {outcome}", as_json)


@app.command()
def history(
    state: State,
    node: Annotated[int | None, typer.Option(help="Only this node.")] = None,
    limit: Annotated[int, typer.Option(help="How many events at most.")] = 50,
    as_json: Json = False,
) -> None:
    """What happened, and how good each rule has been: precision, response time, inspections."""
    answer = _ask(state, {"do": "alerts_history", "node": node, "limit": limit})
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = Console()
    for event in reversed(answer["events"]):
        kind = event["kind"].replace("_", " ") + ("" if event["notify"] or event["by"] else " (quiet)")
        seen = event["evidence"] or ("" if event["value"] is None else f"{event['value']:g}")
        words = [_utc(event["at_s"]), f"{event['rule']}/{event['node']} #{event['occurrence']}", kind]
        words += [word for word in (event["by"], event["note"], seen) if word]
        console.print(escape("  ".join(words)), highlight=False, soft_wrap=True)
    for line in answer["figures"]:
        precision = "unknown" if line["precision"] is None else f"{100 * line['precision']:.0f} %"
        after = line["acknowledged_after_s"]
        answered = "never acknowledged" if after is None else f"acknowledged after {after / 60:.0f} min"
        console.print(f"{line['rule']}/{line['node']}", style="bold", highlight=False)
        console.print(
            f"  {line['alerts']} alerts, {line['pages']} told, precision {precision}, {answered}, "
            f"{line['inspections']} inspections of which {line['needless_inspections']} found nothing",
            highlight=False,
            soft_wrap=True,
        )


@app.command()
def drill(
    alert: Id,
    state: State,
    wait: Annotated[float, typer.Option(help="How long to wait for the receipt, in seconds.")] = 120.0,
    as_json: Json = False,
) -> None:
    """Send an exercise, marked as one, the way an alert would go, and time each leg."""
    begun = time.time()
    started = _ask(state, {"do": "alerts_drill", "id": alert})
    attempts: list[dict[str, Any]] = []
    while not any(attempt["ok"] for attempt in attempts) and time.time() - begun < wait:
        time.sleep(0.2)
        attempts = _ask(state, {"do": "alerts_receipts", "key": started["key"]})["attempts"]
    for attempt in attempts:
        attempt["after_s"] = round(attempt["at_ms"] / 1000 - begun, 3)
    delivered = any(attempt["ok"] for attempt in attempts)
    if as_json:
        typer.echo(json.dumps({**started, "attempts": attempts, "delivered": delivered}))
    else:
        leg = started["sensor_to_gateway_ms"]
        console = Console()
        heard = "no record yet" if leg is None else f"{leg / 1000:.1f} s for the newest record"
        console.print(f"sensor to gateway: {heard}")
        for attempt in attempts:
            how = "taken" if attempt["ok"] else f"refused: {attempt['detail']}"
            console.print(escape(f"gateway to {attempt['channel']}: {attempt['after_s']:.1f} s, {how}"))
        if not attempts:
            console.print("Nobody has tried to deliver it: is there a channels.yaml?")
    if not delivered:
        sys.exit(FAILED)


@app.command()
def rehearse(
    site: Annotated[Path, typer.Option(help="The site's folder with the rules to try.")],
    state: State,
    days: Annotated[float, typer.Option(help="How far back.")] = 30.0,
    against: Annotated[
        Path | None, typer.Option(help="Another version of the site's folder, to compare with.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay stored history through a rule set: when it would have paged, and which rule does it most."""
    recorded = _recorded(state / "alerts.db", days)
    with Reader.open(state / STORE_NAME) as reader:
        tried = _rehearsed(load_site(site), reader, days)
        other = _rehearsed(load_site(against), reader, days) if against else None
    if as_json:
        compared = other and _told(other, recorded)
        typer.echo(json.dumps({"tried": _told(tried, recorded), "against": compared}))
        return
    console = Console()
    table = Table("rule", "pages", *(["pages, other rules"] if other else []), box=None)
    rules = dict.fromkeys([*tried.by_rule(), *(other.by_rule() if other else {})])
    for rule in rules:
        row = [rule, str(tried.by_rule().get(rule, 0))]
        table.add_row(*row, *([str(other.by_rule().get(rule, 0))] if other else []))
    console.print(table)
    for alert in tried.alerts:
        if alert.paged:
            seen = alert.evidence or ("" if alert.value is None else f"{alert.value:g}")
            console.print(escape(f"{_utc(alert.raised_s)}  {alert.rule}/{alert.node}  {seen}"))
    for outcome, (caught, total) in tried.caught(recorded).items():
        beside = f" (other rules: {other.caught(recorded)[outcome][0]})" if other else ""
        console.print(f"of {total} alerts recorded as {outcome} it would have paged for {caught}{beside}")
    pages = len(tried.pages)
    console.print(
        f"{pages} pages in {tried.days:.1f} days, {tried.busiest_day} on the busiest.", style="bold"
    )


def _rehearsed(site: Site, reader: Reader, days: float) -> Rehearsal:
    now_s = int(time.time())
    records = [r for n in site.nodes for r in reader.history(n.id, int(now_s - days * 86_400), now_s)]
    return rehearsed(site, records)


def _recorded(database: Path, days: float) -> list[Recorded]:
    """Return the outcomes recorded in the same time; none where no alerts are kept."""
    if not database.exists():
        return []
    db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [each for each in outcomes(db) if each.at_s >= time.time() - days * 86_400]
    finally:
        db.close()


def _told(rehearsal: Rehearsal, recorded: list[Recorded]) -> dict[str, Any]:
    return {
        "caught": rehearsal.caught(recorded),
        "days": rehearsal.days,
        "pages": len(rehearsal.pages),
        "busiest_day": rehearsal.busiest_day,
        "by_rule": dict(rehearsal.by_rule()),
        "alerts": [asdict(alert) for alert in rehearsal.alerts],
    }


def _quiet(each: dict[str, Any]) -> str:
    if each["shelved_until_s"] is not None:
        return f"shelved until {_utc(each['shelved_until_s'])}"
    if each["out_of_service"]:
        return "out of service"
    return "" if each["announced"] else "held back"


def _do(state: Path, message: dict[str, Any], done: str, as_json: bool) -> None:
    answer = _ask(state, message)
    name = message.get("id") or f"node {message['node']}"
    details = {key: value for key, value in message.items() if key not in ("do", "by", "id")}
    did = message["do"].removeprefix("alerts_")
    audit.note(state, time.time(), message["by"], did, alert=name, login=audit.who(), **details)
    typer.echo(json.dumps(answer) if as_json else f"{name}: {done}", err=not as_json)


def _ask(state: Path, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return request(state / SOCKET_NAME, message)
    except ControlError as error:
        fail(str(error), FAILED)


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def fail(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    sys.exit(code)
