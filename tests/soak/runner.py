"""Finds the soaks and runs them.

Exit status: 0, 1 where anything failed, 2 on usage.
"""

import argparse
import importlib
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from tests.soak.tally import Tally, report

HERE = Path(__file__).parent
OK, FAILED, USAGE = 0, 1, 2

Run = Callable[[Tally], None]

_IS_SOAK = re.compile(r"^def run\(tally: Tally\) -> None:", re.MULTILINE)


def soaks(folder: Path = HERE) -> list[str]:
    """Return the names of the modules in `folder` that have a `run(tally: Tally) -> None`."""
    return sorted(file.stem for file in folder.glob("*.py") if _IS_SOAK.search(file.read_text()))


def load(name: str) -> Run:
    run: Run = importlib.import_module(f"tests.soak.{name}").run
    return run


def main(argv: Sequence[str], known: Mapping[str, Run] | None = None) -> int:
    """Run what `argv` asks for; `known` stands in for the soaks of this folder."""
    names = list(known) if known is not None else soaks()
    parser = argparse.ArgumentParser(
        prog="./run soak", description="The long fault tests. Without NAME all are run, one after the other."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", choices=names, help=", ".join(names))
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="how long each may take; default: its full length"
    )
    parser.add_argument("--seed", type=int, metavar="SEED", help="the first seed, to repeat a failure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here; - is stdout")
    try:
        asked = parser.parse_args(argv)
        if asked.json and str(asked.json) != "-" and not asked.json.absolute().parent.is_dir():
            parser.error(f"--json: there is no folder {asked.json.absolute().parent}")
    except SystemExit as end:
        return USAGE if end.code else OK
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    results = {}
    for name in [asked.name] if asked.name else names:
        tally = Tally(asked.minutes, tell=_tell)
        if asked.seed is not None:
            tally.first_seed = asked.seed
        _tell(f"soak {name}: seeds from {tally.first_seed}")
        (known[name] if known is not None else load(name))(tally)
        results[name] = tally
        facts = ", ".join(f"{key} {value}" for key, value in tally.facts.items())
        _tell(f"soak {name}: {tally.runs} runs, {len(tally.failures)} failures; {facts}")
    if asked.json:
        text = report(results)
        if str(asked.json) == "-":
            sys.stdout.write(text)
        else:
            asked.json.write_text(text)
    return FAILED if any(tally.failures for tally in results.values()) else OK


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
