"""`sensornett inspect`: record a round to a grate, from the place itself or afterwards."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.audit import who
from gateway.control import SOCKET_NAME, ControlError, request

FAILED = 1

app = typer.Typer()


@app.command()
def inspect(
    node: Annotated[int, typer.Argument(help="Number of the intake's node.")],
    blocked: Annotated[int, typer.Argument(help="How much of the grate was blocked, in percent.")],
    state: Annotated[Path, typer.Option(help="The gateway's state directory.")],
    cleaned: Annotated[bool, typer.Option("--cleaned", help="It has been cleaned.")] = False,
    photo: Annotated[Path | None, typer.Option(help="Where the photo lies.")] = None,
    note: Annotated[str, typer.Option(help="A line for the history.")] = "",
    by: Annotated[str | None, typer.Option(help="Who you are. Left out: your login name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Record a round to a grate: how much was blocked, and whether it was cleaned.

    `sensornett alerts history` sets rounds beside alerts: how many of them a trusted alert would have spared.
    """
    if photo is not None and not photo.is_file():
        typer.echo(f"{photo}: there is no such file", err=True)
        sys.exit(FAILED)
    message = {
        "do": "alerts_inspect", "node": node, "blocked_percent": blocked, "cleaned": cleaned,
        "photo": "" if photo is None else str(photo.absolute()), "note": note, "by": by or who(),
    }  # fmt: skip
    try:
        answer = request(state / SOCKET_NAME, message)
    except ControlError as error:
        typer.echo(str(error), err=True)
        sys.exit(FAILED)
    typer.echo(json.dumps(answer) if as_json else f"Node {node}: recorded.", err=not as_json)
