"""What `./run bench` and `./run soak` share: finding what there is, the command line, the report."""

import argparse
import importlib
import json
import logging
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

OK, FAILED, USAGE = 0, 1, 2
_MEMORY, _ROOM_BYTES = Path("/dev/shm"), 1 << 30

Run = TypeVar("Run", bound=Callable[..., Any])


@dataclass(frozen=True)
class Command(Generic[Run]):
    """A command that runs what the modules of a folder measure. `signature` is that of each one's `run`;
    `options` are those besides NAME and --json."""

    word: str
    description: str
    folder: Path
    signature: str
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def names(self, folder: Path | None = None) -> list[str]:
        """Return the names of the modules that have such a `run`."""
        is_one = re.compile(rf"^def {re.escape(self.signature)}:", re.MULTILINE)
        return sorted(
            file.stem for file in (folder or self.folder).glob("*.py") if is_one.search(file.read_text())
        )

    def load(self, name: str) -> Run:
        run: Run = importlib.import_module(f"tests.{self.folder.name}.{name}").run
        return run

    def chosen(
        self, argv: Sequence[str], known: Mapping[str, Run] | None
    ) -> tuple[argparse.Namespace, dict[str, Callable[[], Run]]] | int:
        """Return what was asked for and, by name, how to get what is to be run; else the exit status.

        `known` stands in for the modules of the folder. A module is loaded only when its turn comes.
        """
        names = list(known) if known is not None else self.names()
        parser = argparse.ArgumentParser(prog=f"./run {self.word}", description=self.description)
        parser.add_argument("name", nargs="?", metavar="NAME", choices=names, help=", ".join(names))
        for option, how in self.options.items():
            parser.add_argument(option, **how)
        parser.add_argument(
            "--json",
            type=Path,
            metavar="FILE",
            help="write the report here: one object, or a list where several were run; - is stdout",
        )
        try:
            asked = parser.parse_args(argv)
            if asked.json and str(asked.json) != "-" and not asked.json.absolute().parent.is_dir():
                parser.error(f"--json: there is no folder {asked.json.absolute().parent}")
        except SystemExit as end:
            return USAGE if end.code else OK

        def getting(name: str) -> Callable[[], Run]:
            return lambda: known[name] if known is not None else self.load(name)

        return asked, {name: getting(name) for name in ([asked.name] if asked.name else names)}


def in_memory() -> Path | None:
    """Return a folder in memory with room for whole flashes and stores, None where there is none such."""
    try:
        return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None
    except OSError:
        return None


def only_critical_logs() -> None:
    """Keep what runs in this process from logging between the figures, or into a report on stdout."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def write_report(to: Path | None, objects: Sequence[Mapping[str, Any]]) -> None:
    """Write one object, or a list of them where several were run; None: nobody asked for it."""
    if to is None:
        return
    text = json.dumps(objects[0] if len(objects) == 1 else list(objects), indent=2) + "\n"
    if str(to) == "-":
        sys.stdout.write(text)
    else:
        to.write_text(text)
