"""Runs the benches, shows their figures.

Exit status: 0, 1 where a bar is broken or nothing could be measured, 2 on usage.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.bench.figures import Figure, NotMeasured, all_hold, as_json
from tests.commands import FAILED, OK, Command, only_critical_logs, write_report
from tools.servers import ServerError

Bench = Callable[[], list[Figure]]

COMMAND: Command[Bench] = Command(
    "bench",
    "Measure, each figure beside a limit measured in the same run. Without NAME all are run.",
    Path(__file__).parent,
    "run() -> list[Figure]",
)


def main(argv: Sequence[str], known: Mapping[str, Bench] | None = None) -> int:
    """Run what `argv` asks for; `known` stands in for the benches of this folder."""
    chosen = COMMAND.chosen(argv, known)
    if isinstance(chosen, int):
        return chosen
    asked, benches = chosen
    if known is None:
        only_critical_logs()
    console = Console(stderr=True)
    results = {}
    for name, bench in benches.items():
        run = bench()
        try:
            with console.status(f"bench {name}"):
                results[name] = run()
        except (NotMeasured, ServerError, OSError) as error:
            console.print(f"bench {name}: {error}", style="red", markup=False)
            return FAILED
        show(console, name, results[name])
    write_report(asked.json, [as_json(name, figures) for name, figures in results.items()])
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
