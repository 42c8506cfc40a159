"""`sensornett gateway`: receive, store and acknowledge the nodes' records."""

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from gateway import audit
from gateway.claim import StartError
from gateway.control import SOCKET_NAME, ControlError, request
from gateway.start import broker_at, page_at, serve, settings_of
from gateway.store.memory import place_in_use
from gateway.web.users import FILE_NAME as USERS_NAME
from gateway.web.users import ROLES, User, UsersError, check_name, hashed, read_users, write_users
from tools.gateway_relay import relay

FAILED, USAGE = 1, 2

app = typer.Typer(help="Receive, store and acknowledge the nodes' records.", no_args_is_help=False)

State = Annotated[Path, typer.Option(help="The gateway's state directory.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.callback(invoke_without_command=True)
def gateway(
    context: typer.Context,
    site: Annotated[Path | None, typer.Option(help="The site's folder.")] = None,
    state: Annotated[Path | None, typer.Option(help="Directory for the store and the socket.")] = None,
    broker: Annotated[str, typer.Option(help="MQTT broker, as host:port.")] = "127.0.0.1:1883",
    keys: Annotated[
        Path | None, typer.Option(help="The nodes' keys. Default: keys.json in the state directory.")
    ] = None,
    broker_user: Annotated[str | None, typer.Option(help="User at the broker.")] = None,
    broker_password_file: Annotated[Path | None, typer.Option(help="File with the user's password.")] = None,
    broker_ca: Annotated[
        Path | None, typer.Option(help="Certificates to verify the broker with (PEM); turns TLS on.")
    ] = None,
    page: Annotated[str | None, typer.Option(help="Serve the page on host:port.")] = None,
    page_name: Annotated[
        list[str] | None, typer.Option(help="Name the page has behind a reverse proxy; may be given again.")
    ] = None,
    interval: Annotated[
        int | None, typer.Option(help="Seconds between samples, where not as the site says (demo).", min=1)
    ] = None,
    store_cap: Annotated[
        int | None, typer.Option(help="Room the store may take, in MB. Default: as site.yaml says.", min=64)
    ] = None,
    packet_forwarder: Annotated[
        str | None, typer.Option(help="Where LoRa concentrators report to, as host:port (UDP).")
    ] = None,
    bridge: Annotated[
        list[str] | None, typer.Option(help="Serial port of a USB LoRa bridge; may be given again.")
    ] = None,
) -> None:
    """Run a site's gateway until told to end. A record is acknowledged once it is safely on disk."""
    if context.invoked_subcommand is not None:
        return
    if site is None or state is None:
        _fail("say --site DIR and --state DIR", USAGE)
    try:
        at = broker_at(broker, broker_user, broker_password_file, broker_ca)
        names = frozenset(name.lower() for name in page_name or ())
        served = replace(page_at(page), names=names) if page else None
        forwarders = page_at(packet_forwarder, "--packet-forwarder") if packet_forwarder else None
        serve(settings_of(site, state, at, keys, served, interval, store_cap, forwarders, bridge or ()))
    except StartError as error:
        _fail(str(error), FAILED)


app.command()(relay)


@app.command()
def status(state: State, as_json: Json = False) -> None:
    """Which nodes have been heard, how much is stored, what was refused."""
    answer = _ask(state, {"do": "status"})
    if as_json:
        typer.echo(json.dumps(answer))
        return
    console = Console()
    for carrier in answer["carriers"]:
        counts = "".join(f", {cause} {count}" for cause, count in sorted(carrier.get("counts", {}).items()))
        state_now = "connected" if carrier["connected"] else "NOT connected"
        console.print(f"{carrier['name']}: {state_now}{counts}")
    console.print(f"stored: {answer['stored']} records, the last is commit {answer['last_commit']}")
    if (room := answer["room"]) is not None:
        console.print(f"store: {_room(room)}", soft_wrap=True)
    for cause, count in answer["refusals"].items():
        console.print(f"refused, {cause.replace('_', ' ')}: {count} frames")
    for condition in answer["conditions"]:
        console.print(f"{'!' if condition['urgent'] else '-'} {condition['text']}")
    table = Table("node", "stored", "last heard (UTC)", "last status (UTC)", "", box=None)
    for node in answer["nodes"]:
        times = [_utc(node["last_seen_ms"]), _utc(node["status_at_ms"])]
        shelf = "on the shelf" if node.get("shelved_at_ms") else ""
        table.add_row(str(node["node"]), str(node["stored"]), *times, shelf)
    console.print(table)


@app.command()
def ask(
    node: Annotated[int, typer.Argument(help="Number of the node.")], state: State, as_json: Json = False
) -> None:
    """Ask a node for its status; a battery node answers when it wakes."""
    answer = _ask(state, {"do": "ask", "node": node})
    typer.echo(json.dumps(answer) if as_json else f"Node {node} has been asked.", err=not as_json)


users = typer.Typer(help="Who may log in to the page and act.")
app.add_typer(users, name="user")


@users.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="As it will stand in histories and logs.")],
    state: State,
    role: Annotated[str, typer.Option(help="viewer, operator or technician.")] = "operator",
) -> None:
    """Let somebody log in, or give a new password or role. The password is asked for, or read from a pipe."""
    if role not in ROLES:
        _fail(f"there is no role `{role}`. There are: {', '.join(ROLES)}", USAGE)
    try:
        check_name(name)
        known = dict(read_users(state / USERS_NAME))
        if sys.stdin.isatty():
            asked = f"Password for {name}"
            password = typer.prompt(asked, hide_input=True, confirmation_prompt=True, err=True)
        else:
            password = sys.stdin.readline().rstrip("\n")
        known[name] = User(role, hashed(password))
        write_users(state / USERS_NAME, known)
    except UsersError as error:
        _fail(str(error), FAILED)
    audit.note(state, time.time(), audit.who(), "user added", user=name, role=role)
    typer.echo(f"{name} may log in as {role}.", err=True)


@users.command("remove")
def remove_user(name: Annotated[str, typer.Argument(help="Who.")], state: State) -> None:
    """Let somebody in no longer, and end what they have open."""
    try:
        known = dict(read_users(state / USERS_NAME))
        if name not in known:
            _fail(f"there is no user `{name}`", FAILED)
        del known[name]
        write_users(state / USERS_NAME, known)
    except UsersError as error:
        _fail(str(error), FAILED)
    audit.note(state, time.time(), audit.who(), "user removed", user=name)
    typer.echo(f"{name} may no longer log in.", err=True)


@users.command("list")
def list_users(state: State, as_json: Json = False) -> None:
    """Who may log in."""
    try:
        known = read_users(state / USERS_NAME)
    except UsersError as error:
        _fail(str(error), FAILED)
    if as_json:
        typer.echo(json.dumps({"users": [{"name": n, "role": u.role} for n, u in sorted(known.items())]}))
        return
    table = Table("name", "role", box=None)
    for name, user in sorted(known.items()):
        table.add_row(name, user.role)
    Console().print(table if known else "Nobody may log in yet.")


def _ask(state: Path, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return request(place_in_use(state) / SOCKET_NAME, message)
    except ControlError as error:
        _fail(str(error), FAILED)


def _room(room: dict[str, Any]) -> str:
    parts = [f"{room['used_bytes'] >> 20} of {room['cap_bytes'] >> 20} MB"]
    if room["oldest_unsynced_s"] is not None:
        parts.append(f"the oldest record has waited {room['oldest_unsynced_s'] / 60:.0f} min for sync")
    if room["outage_hours_left"] is not None:
        parts.append(f"sync may be away for {room['outage_hours_left']:.0f} h")
    return ", ".join(parts)


def _utc(ms: int | None) -> str:
    return "never" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _fail(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    sys.exit(code)
