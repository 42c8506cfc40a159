"""Runs the soaks.

Exit status: 0, 1 where anything failed, 2 on usage.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.commands import FAILED, OK, Command, only_critical_logs, write_report
from tests.soak.tally import Tally, as_json

Run = Callable[[Tally], None]

COMMAND: Command[Run] = Command(
    "soak",
    "The long fault tests. Without NAME all are run, one after the other.",
    Path(__file__).parent,
    "run(tally: Tally) -> None",
    {
        "--minutes": {
            "type": float, "metavar": "N", "help": "how long each may take; default: its full length"
        },
        "--seed": {"type": int, "metavar": "SEED", "help": "the first seed, to repeat a failure"},
    },
)  # fmt: skip


def main(argv: Sequence[str], known: Mapping[str, Run] | None = None) -> int:
    """Run what `argv` asks for; `known` stands in for the soaks of this folder."""
    chosen = COMMAND.chosen(argv, known)
    if isinstance(chosen, int):
        return chosen
    asked, runs = chosen
    if known is None:
        only_critical_logs()
    results = {}
    for name, run in runs.items():
        tally = Tally(asked.minutes, tell=_tell)
        if asked.json and str(asked.json) != "-":
            tally.folder = asked.json.parent
        if asked.seed is not None:
            tally.first_seed = asked.seed
        _tell(f"soak {name}: seeds from {tally.first_seed}")
        run()(tally)
        results[name] = tally
        facts = ", ".join(f"{key} {value}" for key, value in tally.facts.items())
        _tell(f"soak {name}: {tally.runs} runs, {len(tally.failures)} failures; {facts}")
    write_report(asked.json, [as_json(name, tally) for name, tally in results.items()])
    return FAILED if any(tally.failures for tally in results.values()) else OK


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
