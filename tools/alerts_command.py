"""`sensornett alerts`: the standing alarms, and what to do about them."""

import json
import sys
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.control import SOCKET_NAME, ControlError, request

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
    table = Table("alert", "since (UTC)", "what", "seen", "action", "by", box=None)
    for each in answer["standing"]:
        texts = each["texts"]["en" if language == "en" else "nb"]
        by = each["acknowledged_by"] or _quiet(each) or f"within {each['respond_within_min']} min"
        row = (
            each["id"],
            _utc(each["since_s"]),
            f"{each['node_name']}: {texts['name']}",
            texts["seen"] + ("" if each["monitored"] else " (sensor failed since)"),
            texts["action"],
            by,
        )
        table.add_row(*map(escape, row), style=STYLES[each["priority"]])
    if answer["standing"]:
        console.print(table)
    else:
        console.print("No active alerts.")
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in answer["watches"].items())
    console.print(f"Watches: {counts}. Messages waiting: {answer['messages_waiting']}.", style="dim")


@app.command()
def ack(alert: Id, state: State, by: By = None, as_json: Json = False) -> None:
    """Say that you take care of it: nobody else is paged for it any more."""
    _do(state, {"do": "alerts_ack", "id": alert, "by": by or getuser()}, "acknowledged", as_json)


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
    message = {"do": "alerts_shelve", "id": alert, "by": by or getuser(), "minutes": minutes, "note": note}
    _do(state, message, f"shelved for {minutes} min", as_json)


@app.command()
def unshelve(alert: Id, state: State, by: By = None, as_json: Json = False) -> None:
    """End a shelf early."""
    _do(state, {"do": "alerts_unshelve", "id": alert, "by": by or getuser()}, "is heard again", as_json)


@app.command()
def disable(alert: Id, state: State, by: By = None, note: Note = "", as_json: Json = False) -> None:
    """Take an alert out of service, for repairs, until it is enabled again."""
    message = {"do": "alerts_out_of_service", "id": alert, "by": by or getuser(), "note": note}
    _do(state, message, "is out of service", as_json)


@app.command()
def enable(alert: Id, state: State, by: By = None, as_json: Json = False) -> None:
    """Put an alert into service again."""
    _do(state, {"do": "alerts_in_service", "id": alert, "by": by or getuser()}, "is in service", as_json)


@app.command()
def maintain(
    node: Annotated[int, typer.Argument(help="Number of the node.")],
    state: State,
    minutes: Annotated[int, typer.Option(help="For how long; 0 ends it.")] = 60,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Keep all alerts of a node quiet while somebody works on it."""
    message = {"do": "alerts_maintain", "node": node, "by": by or getuser(), "minutes": minutes}
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
        "by": by or getuser(), "note": note,
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
    table = Table("when (UTC)", "alert", "event", "value", "by", "note", box=None)
    for event in reversed(answer["events"]):
        value = "" if event["value"] is None else f"{event['value']:g}"
        kind = event["kind"].replace("_", " ") + ("" if event["notify"] or event["by"] else " (quiet)")
        note = event["note"] or event["evidence"]
        alert = f"{event['rule']}/{event['node']} #{event['occurrence']}"
        table.add_row(*map(escape, (_utc(event["at_s"]), alert, kind, value, event["by"], note)))
    console.print(table)
    summary = Table("alert", "alerts", "told", "precision", "acknowledged after", "inspections", box=None)
    for line in answer["figures"]:
        precision = "unknown" if line["precision"] is None else f"{100 * line['precision']:.0f} %"
        after = line["acknowledged_after_s"]
        summary.add_row(
            f"{line['rule']}/{line['node']}", str(line["alerts"]), str(line["pages"]), precision,
            "never" if after is None else f"{after / 60:.0f} min",
            f"{line['inspections']}, {line['needless_inspections']} found nothing",
        )  # fmt: skip
    console.print(summary)


def _quiet(each: dict[str, Any]) -> str:
    if each["shelved_until_s"] is not None:
        return f"shelved until {_utc(each['shelved_until_s'])}"
    if each["out_of_service"]:
        return "out of service"
    return "" if each["announced"] else "held back"


def _do(state: Path, message: dict[str, Any], done: str, as_json: bool) -> None:
    answer = _ask(state, message)
    name = message.get("id") or f"node {message['node']}"
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
