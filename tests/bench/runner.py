"""Finds the benches, runs them, shows their figures.

Exit status: 0, 1 where a bar is broken or nothing could be measured, 2 on usage.
"""

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench.figures import Figure, NotMeasured, all_hold, report
from tools.servers import ServerError

HERE = Path(__file__).parent
OK, FAILED, USAGE = 0, 1, 2

Bench = Callable[[], list[Figure]]

_IS_BENCH = re.compile(r"^def run\(\) -> list\[Figure\]:", re.MULTILINE)


def benches(folder: Path = HERE) -> list[str]:
    """Return the names of the modules in `folder` that have a `run() -> list[Figure]`."""
    return sorted(file.stem for file in folder.glob("*.py") if _IS_BENCH.search(file.read_text()))


def load(name: str) -> Bench:
    run: Bench = importlib.import_module(f"tests.bench.{name}").run
    return run


def main(argv: Sequence[str], known: Mapping[str, Bench] | None = None) -> int:
    """Run what `argv` asks for; `known` stands in for the benches of this folder."""
    names = list(known) if known is not None else benches()
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measure, each figure beside a limit measured in the same run. Without NAME all are run.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", choices=names, help=", ".join(names))
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write the figures here as one object, or a list of them where several benches ran; - is stdout",
    )
    try:
        asked = parser.parse_args(argv)
        if asked.json and str(asked.json) != "-" and not asked.json.absolute().parent.is_dir():
            parser.error(f"--json: there is no folder {asked.json.absolute().parent}")
    except SystemExit as end:
        return USAGE if end.code else OK
    console = Console(stderr=True)
    results = {}
    for name in [asked.name] if asked.name else names:
        run = known[name] if known is not None else load(name)
        try:
            with console.status(f"bench {name}"):
                results[name] = run()
        except (NotMeasured, ServerError, OSError) as error:
            console.print(f"bench {name}: {error}", style="red", markup=False)
            return FAILED
        show(console, name, results[name])
    if asked.json:
        text = report(results)
        if str(asked.json) == "-":
            sys.stdout.write(text)
        else:
            asked.json.write_text(text)
    return OK if all(map(all_hold, results.values())) else FAILED


def show(console: Console, name: str, figures: Sequence[Figure]) -> None:
    """Print `figures` as a table."""
    table = Table(title=f"bench {name}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("bar", no_wrap=True)
    table.add_column("")
    table.add_column("against", overflow="fold")
    for figure in figures:
        verdict = {None: "", True: "[green]holds[/]", False: "[bold red]BROKEN[/]"}[figure.holds]
        bar = "" if figure.bar is None else str(figure.bar)
        table.add_row(
            figure.name, shown(figure.value), escape(figure.unit), bar, verdict, escape(figure.against)
        )
    console.print(table)
    console.print()


def shown(value: float) -> str:
    """Return `value` with four digits or all its whole ones: 0.01234, 12.34, 12346."""
    return f"{value:.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
