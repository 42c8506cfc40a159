"""`sensornett node archive`: the hourly registers of a year, off the node on a cable."""

from pathlib import Path
from typing import Annotated

import typer

from tools.node import prompt
from tools.node.archive import fetch, write_table
from tools.node.ports import pick, serial_ports
from tools.node.remote import Board
from tools.node.session import Json, Lang, PortOption, SiteOption, Verbose, session, site_at


def archive(
    file: Annotated[Path, typer.Argument(help="CSV file to write.")],
    site: SiteOption,
    port: PortOption = None,
    lang: Lang = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Read the hourly registers of the last year off an energy node on a cable, to CSV."""
    with session(lang, as_json, verbose) as s:
        found, _ = site_at(site)
        path = pick(port, serial_ports())
        with s.progress.stage("look", port=path):
            prompt.reach(path)
        with s.progress.stage("archive"):
            hours = fetch(Board(path))
        with file.open("w", encoding="utf-8", newline="") as out:
            write_table(out, hours, found)
        lines = [s.words("did.archive", count=len(hours), file=file), s.words("next.prompt")]
        s.end("\n".join(lines), hours=len(hours), file=str(file))
