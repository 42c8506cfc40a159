"""`sensornett site`: start the configuration of another municipality."""

import json
import re
import secrets
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from device_configs.entry import SLUG
from device_configs.loader import SITES

FAILED, USAGE = 1, 2
TEMPLATE = Path(__file__).parent / "site_template"
ALLOWED = "small letters, digits and hyphens, at most 32"

app = typer.Typer(help="Start the configuration of another municipality.", no_args_is_help=True)


@app.callback()
def site() -> None:
    """Start the configuration of another municipality."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help=f"Name of the site: {ALLOWED}.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where the site's folder is made.")] = SITES,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Make a site's folder to fill in: one node of each profile, and a comment on every line that matters.

    An existing folder is never touched.
    """
    if not re.fullmatch(SLUG, name) or name == "all":
        typer.echo(f"{name!r} can not be a site's name: {ALLOWED}", err=True)
        raise typer.Exit(USAGE)
    path = folder / name
    files = fill_in(name, secrets.token_hex(4))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.mkdir()
    except FileExistsError:
        typer.echo(f"{path} is there already; nothing was changed", err=True)
        raise typer.Exit(FAILED) from None
    for file, text in files.items():
        (path / file).write_text(text)
    typer.echo(f"made {path} with " + ", ".join(files), err=True)
    typer.echo("Next: replace what is marked PLACEHOLDER, then run `sensornett check` on it.", err=True)
    if as_json:
        typer.echo(json.dumps({"site": name, "path": str(path), "files": list(files)}))


def fill_in(name: str, gateway_id: str) -> dict[str, str]:
    """Return the files of a new site: name -> text."""
    return {
        file.name: Template(file.read_text()).substitute(id=name, gateway_id=gateway_id)
        for file in sorted(TEMPLATE.glob("*.yaml"))
    }
