"""`sensornett rig`: the benches there are, what is wrong with one, and the suite on it."""

import asyncio
import importlib.util
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from device_configs.problem import ConfigError
from gateway.logs import to_stderr
from hardware.bench_file import BENCHES, ROLES, BenchFile, bench_path, load_bench
from hardware.protocols import InstrumentError
from hardware.report import NoResults, write
from tools.rig_check import looks
from tools.rig_stimulus import WIRED, make

FAILED, NO_DEVICE = 1, 4
ROOT = Path(__file__).resolve().parent.parent
SUITE = ROOT / "tests/rig"
BURN_IN_H = 24.0

app = typer.Typer(help="Run the test bench.", no_args_is_help=True)
BenchName = Annotated[str, typer.Argument(metavar="BENCH", help="Name of hardware/benches, or a file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command("list")
def list_benches(as_json: Json = False) -> None:
    """Show the benches that come along, and which instruments each has."""
    found = {}
    for path in sorted(BENCHES.glob("*.yaml")):
        try:
            file, _, node = load_bench(path)
        except ConfigError as error:
            found[path.stem] = f"wrong: {error.problems[0]}"
            continue
        found[path.stem] = f"node {node.id} ({node.board}); {', '.join(_filled(file))}"
    if as_json:
        typer.echo(json.dumps({"ok": True, "benches": found}))
    else:
        for name, text in found.items():
            typer.echo(f"{name}: {text}")


@app.command()
def check(
    bench: BenchName = "virtual",
    flash: Annotated[
        bool,
        typer.Option("--flash", help="Also flash the board and run a small program: what was on it is gone."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Say in plain words what a bench has, what answers, and what is missing."""
    path = bench_path(bench)
    to_stderr(logging.WARNING)
    found = asyncio.run(looks(path, flash))
    well = all(look.well for look in found)
    for look in found:
        typer.echo(f"{'ok     ' if look.well else 'MISSING'} {look.what}: {look.text}", err=True)
    if as_json:
        typer.echo(json.dumps({"ok": well, "bench": path.stem, "looks": [asdict(look) for look in found]}))
    if not well:
        raise typer.Exit(NO_DEVICE)


@app.command()
def run(
    bench: BenchName = "virtual",
    only: Annotated[str, typer.Option("--only", help="Only tests whose name has this.")] = "",
    artefacts: Annotated[
        Path | None, typer.Option(help="Folder for logs, JUnit and the HTML report.")
    ] = None,
    burn_in: Annotated[
        bool, typer.Option("--burn-in", help="Only the burn-in: a node at work for --burn-in-hours.")
    ] = False,
    hours: Annotated[
        float, typer.Option("--burn-in-hours", min=0.1, help="By the bench's clock: virtual hours are short.")
    ] = BURN_IN_H,
    as_json: Json = False,
) -> None:
    """Run the suite on a bench. Exit status 1 where a test has failed."""
    path = bench_path(bench)
    load_bench(path)
    if importlib.util.find_spec("pytest") is None or not SUITE.is_dir():
        typer.echo("the suite is not here: run this in a checkout, after ./run check", err=True)
        raise typer.Exit(FAILED)
    arguments = ["--bench", str(path.absolute()), "-k", only] if only else ["--bench", str(path.absolute())]
    if burn_in:
        arguments += ["-k", "test_burn_in", "--burn-in-hours", str(hours)]
    if artefacts is not None:
        artefacts.mkdir(parents=True, exist_ok=True)
        kept = artefacts.absolute()
        arguments += ["--artefacts", str(kept), "--junit-xml", str(kept / "junit.xml")]
    status = _pytest(arguments)
    if as_json:
        typer.echo(json.dumps({"ok": status == 0, "bench": path.stem, "status": status}))
    if status:
        raise typer.Exit(NO_DEVICE if status == NO_DEVICE else FAILED)


@app.command()
def report(
    artefacts: Annotated[Path, typer.Argument(help="Folder that a run left with --artefacts.")],
    as_json: Json = False,
) -> None:
    """Make the HTML report of a run anew, and say where it is."""
    try:
        path = write(artefacts)
    except NoResults as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(json.dumps({"ok": True, "report": str(path)}) if as_json else str(path))


@app.command()
def stimulus(
    port: Annotated[str, typer.Argument(help="Serial port of the second ESP32, /dev/serial/by-id/...")],
    image: Annotated[Path, typer.Option(help="MicroPython for the ESP32 (.bin).")],
    settings: Annotated[
        Path, typer.Option(help="What is wired to it; default: as in hardware/README.md.")
    ] = WIRED,
    as_json: Json = False,
) -> None:
    """Make a second ESP32 the bench's stimulus board: what was on it is gone."""
    try:
        asyncio.run(make(port, image, settings))
    except InstrumentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NO_DEVICE) from None
    typer.echo(
        f"{port} is a stimulus board: press its reset button, then write it into the bench's file", err=True
    )
    if as_json:
        typer.echo(json.dumps({"ok": True, "port": port}))


def _pytest(arguments: Sequence[str]) -> int:
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(SUITE)]
    return subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode


def _filled(file: BenchFile) -> list[str]:
    return [role for role in ROLES if role in file.instruments]
