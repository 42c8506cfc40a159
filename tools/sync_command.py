"""`sensornett sync`: bring stored records to InfluxDB, and see what it refused."""

import asyncio
import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from cloud_sync.daemon import LATEST_S, SOCKET_NAME, run
from cloud_sync.influx import Account, Connection
from cloud_sync.line_protocol import encoder
from cloud_sync.pace import Pace
from device_configs.loader import load_site
from device_configs.problem import ConfigError
from gateway.claim import StartError
from gateway.control import ControlError, request
from gateway.logs import to_stderr
from gateway.recalibration import timelines

FAILED, USAGE, CONFIGURATION = 1, 2, 3
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]

app = typer.Typer(help="Bring stored records to InfluxDB.", no_args_is_help=False)
quarantine_app = typer.Typer(help="Records the server refused.", no_args_is_help=True)
app.add_typer(quarantine_app, name="quarantine")

State = Annotated[Path, typer.Option(help="The gateway's state directory.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Numbers from `quarantine list`.")]
All = Annotated[bool, typer.Option("--all", help="Every record in quarantine.")]


class Api(StrEnum):
    """v1: InfluxDB 1.x. v2: InfluxDB 1.8 and later, Cloud, VictoriaMetrics."""

    V1 = "v1"
    V2 = "v2"


@app.callback(invoke_without_command=True)
def sync(
    context: typer.Context,
    site: Annotated[Path | None, typer.Option(help="The site's folder.")] = None,
    state: Annotated[Path | None, typer.Option(help="The gateway's state directory.")] = None,
    influx: Annotated[
        str | None, typer.Option(help="Address, as http://host:8086. None: sync is off.")
    ] = None,
    api: Annotated[Api, typer.Option(help="v1 for InfluxDB 1.x, v2 for all newer ones.")] = Api.V2,
    database: Annotated[
        str, typer.Option("--database", "--bucket", help="Database (v1) or bucket (v2).")
    ] = "sensornett",
    org: Annotated[str | None, typer.Option(help="Organisation (v2).")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the token (v2).")] = None,
    user: Annotated[str | None, typer.Option(help="User (v1).")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File with the user's password (v1).")] = None,
    proxy: Annotated[str | None, typer.Option(help="HTTP proxy, as http://host:3128.")] = None,
    ca: Annotated[Path | None, typer.Option(help="Own certificate authorities (PEM).")] = None,
    every: Annotated[
        float, typer.Option(help="Seconds between two looks for new records.", min=0.1, max=3600)
    ] = 1.0,
) -> None:
    """Send records as they are stored, newest first, until told to end. Runs beside the gateway.

    No point is counted as synced before the server has confirmed it; what it refuses goes to quarantine.
    """
    if context.invoked_subcommand is not None:
        return
    if site is None or state is None:
        _fail("say --site DIR and --state DIR", USAGE)
    if influx is None:
        typer.echo("Sync is off: no --influx. Records stay in the gateway's store.", err=True)
        return
    try:
        account = Account(
            to=Connection(influx, proxy=proxy, ca_file=ca),
            api=api.value,
            database=database,
            name=user if api is Api.V1 else org,
            secret=_secret(password_file if api is Api.V1 else token_file),
        )
        found = load_site(site)
        encode = encoder(found)
    except ConfigError as error:
        _fail("\n".join(problem.pretty() for problem in error.problems), CONFIGURATION)
    except OSError as error:
        _fail(f"{error.filename}: cannot be read: {error.strerror}", CONFIGURATION)
    except ValueError as error:
        _fail(f"--influx: {error}", USAGE)
    to_stderr()
    try:
        running = run(
            state,
            account,
            encode,
            pace=Pace(poll_s=every),
            timelines=timelines(found),
            measurements=sorted({node.profile.name for node in found.nodes}),
        )
        asyncio.run(running)
    except StartError as error:
        _fail(str(error), FAILED)


@app.command()
def status(state: State, as_json: Json = False) -> None:
    """How far sync is. Exit status 1 unless it runs and its last request succeeded."""
    if not (state / SOCKET_NAME).exists():
        answer: dict[str, Any] = {"state": "off"}
    else:
        answer = _ask(state, {"do": "status"})
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        answer |= {f"read back {key}": value for key, value in answer.pop("read_back", {}).items()}
        for key, value in answer.items():
            typer.echo(f"{key.replace('_', ' '):24} {'-' if value is None else value}")
    if answer["state"] != "ok":
        raise typer.Exit(FAILED)


@quarantine_app.command("list")
def list_refused(state: State, as_json: Json = False) -> None:
    """The newest thousand refused records."""
    answer = _ask(state, {"do": "quarantine"})
    if as_json:
        typer.echo(json.dumps(answer))
        return
    table = Table("id", "node", "epoch", "seq", "measured (UTC)", "status", "reason", box=None)
    for record in answer["quarantine"]:
        status = "waits for retry" if record["retry"] else str(record["status"] or "not sent")
        keys = [str(record[key]) for key in ("id", "node", "epoch", "seq")]
        table.add_row(*keys, _utc(record["measured_at_s"]), status, record["reason"])
    Console().print(table if answer["quarantine"] else "Nothing is in quarantine.")


@quarantine_app.command("show")
def show_refused(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")],
    state: State,
    as_json: Json = False,
) -> None:
    """One refused record: its line, and what the server said."""
    record = _ask(state, {"do": "show", "id": number})["record"]
    if as_json:
        typer.echo(json.dumps(record))
        return
    for key, value in record.items():
        typer.echo(f"{key.replace('_', ' '):16} {value}")


@quarantine_app.command("retry")
def retry_refused(state: State, ids: Ids = None, everything: All = False, as_json: Json = False) -> None:
    """Send refused records once more, with the configuration that sync was started with."""
    answer = _ask(state, {"do": "retry", "ids": _chosen(ids, everything)})
    typer.echo(json.dumps(answer) if as_json else f"{answer['records']} records will be sent once more.")


@quarantine_app.command("drop")
def drop_refused(
    state: State,
    ids: Ids = None,
    everything: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Give refused records up: they will never be in InfluxDB. They stay counted, and in the store."""
    chosen = _chosen(ids, everything)
    if not yes:
        typer.confirm("These records will never reach InfluxDB. Go on?", abort=True, err=True)
    answer = _ask(state, {"do": "drop", "ids": chosen})
    typer.echo(json.dumps(answer) if as_json else f"{answer['records']} records given up.")


@app.command()
def again(
    state: State,
    since: Annotated[datetime, typer.Option(formats=TIMES, help="From when on, UTC.")],
    until: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="Until when, UTC. None: what there is.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write points once more, as after InfluxDB was restored from a backup of its own.

    What is there already stays as it is. Records that have left the gateway's store can not be written.
    """
    if until is not None and until <= since:
        _fail(f"--until {until:%Y-%m-%d %H:%M}: is not after --since", USAGE)
    answer = _ask(state, {"do": "again", "from_s": _seconds(since), "to_s": _seconds(until)})
    text = f"{answer['records']} records will be written once more; `sensornett sync status` shows rewrites."
    typer.echo(json.dumps(answer) if as_json else text)


def _chosen(ids: list[int] | None, everything: bool) -> list[int] | str:
    if bool(ids) == everything:
        _fail("say which: ids from `quarantine list`, or --all", USAGE)
    return "all" if everything else list(ids or ())


def _ask(state: Path, message: dict[str, Any]) -> dict[str, Any]:
    if not (state / SOCKET_NAME).exists():
        _fail(f"{state}: sync does not run here. Start it with `sensornett sync`.", FAILED)
    try:
        return request(state / SOCKET_NAME, message)
    except ControlError as error:
        _fail(str(error), FAILED)


def _secret(path: Path | None) -> str | None:
    return path.read_text().strip() if path else None


def _seconds(moment: datetime | None) -> int:
    """Return a moment of UTC in seconds since 1970; None: after all that is stored."""
    return LATEST_S if moment is None else max(0, int(moment.replace(tzinfo=UTC).timestamp()))


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _fail(text: str, status: int) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(status)
