"""`sensornett gateway relay`: let another site's gateway hand on what it hears of this site's nodes."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from device_configs.loader import load_site
from gateway.relay import FOLDER
from tools.node.credentials import Credentials
from tools.node.trouble import Trouble

USAGE, FAILED = 2, 1


def relay(
    name: Annotated[str, typer.Argument(help="What the other gateway is called: small letters, digits, -.")],
    site: Annotated[Path, typer.Option(help="This site's folder.")],
    state: Annotated[Path, typer.Option(help="This gateway's state directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Draw a password for another site's gateway that hears our nodes; given again, the old one is void."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name):
        typer.echo(
            f"{name}: a name has small letters, digits and hyphens, and begins with a letter", err=True
        )
        raise typer.Exit(USAGE)
    home = load_site(site).id
    try:
        password = Credentials(state, home).relay(name)
    except (OSError, Trouble) as error:
        typer.echo(f"{state}: the password cannot be written: {error}", err=True)
        raise typer.Exit(FAILED) from None
    if as_json:
        typer.echo(json.dumps({"ok": True, "user": f"relay-{name}", "password": password}))
        return
    typer.echo(password)
    typer.echo(
        f"This is the password of relay-{name} at this site's broker. At the other gateway, put it into\n"
        f"{FOLDER}/{home}.password in its state directory, the CA's certificate (ca.pem) beside it as "
        f"{home}.pem,\nand add to its site.yaml:\n"
        f"relay:\n  - {{site: {home}, broker: <this gateway>:8883, name: {name}}}",
        err=True,
    )
