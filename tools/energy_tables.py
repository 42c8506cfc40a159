"""Rows of figures as a table for people, as CSV for spreadsheets, and as one JSON object."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

Row = dict[str, Any]


def show(rows: Sequence[Row], *, as_json: bool, as_csv: bool, notes: Sequence[str] = (), **more: Any) -> None:
    """Print rows that all have the same keys; `notes` go to the error output, `more` into the JSON object."""
    for note in notes:
        typer.echo(note, err=True)
    if as_json:
        typer.echo(json.dumps({"rows": rows, **more}, ensure_ascii=False))
    elif as_csv:
        typer.echo(as_text(rows), nl=False)
    elif rows:
        keys = [key for key in rows[0] if any(row[key] is not None for row in rows)]
        # Wide enough that nothing is cut: whoever has less room pipes it into `less -S`.
        table = Table(*(key.replace("_", " ") for key in keys), box=None, header_style="bold")
        for row in rows:
            table.add_row(*(shown(row[key]) for key in keys))
        Console(width=max(Console().width, 160)).print(table)


def as_text(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header; what is not known is empty, never 0."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def shown(value: object) -> str:
    """Return a value for people."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}".replace(",", " ")
    return str(value)


def rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)


def percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)
