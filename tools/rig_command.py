"""`sensornett rig`: the benches there are, what is wrong with one, and the suite on it."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from device_configs.problem import ConfigError
from device_configs.radio_schema import Lora
from hardware.bench_file import (
    BENCHES,
    ROLES,
    BenchFile,
    Esptool,
    LoraBridge,
    SerialAttenuator,
    SerialPort,
    StimulusPort,
    UsbPort,
    UsbRelay,
    bench_path,
    load_bench,
)
from hardware.protocols import InstrumentError, Radio
from hardware.report import NoResults, write
from hardware.rig import locked, opened
from hardware.strategy import State, Strategy, Stuck

FAILED, NO_DEVICE = 1, 4
ROOT = Path(__file__).resolve().parent.parent
SUITE = ROOT / "tests/rig"
# A program that shows that board, supply, console and flasher belong together.
HELLO = {"main.py": b"import machine, time\ntime.sleep(1)\nprint('cold boot 1')\nmachine.deepsleep(600000)\n"}

CHANNEL = Lora(frequency_khz=868_300, spreading_factor=7, bandwidth_khz=125, power_dbm=14)
BURN_IN_H = 24.0
ENOUGH_DB = 145  # a board at 14 dBm is lost at 139 with SF7

app = typer.Typer(help="Run the test bench.", no_args_is_help=True)
BenchName = Annotated[str, typer.Argument(metavar="BENCH", help="Name of hardware/benches, or a file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@dataclass(frozen=True, slots=True)
class Look:
    """One thing of a bench: `well`, or what to do."""

    what: str
    well: bool
    text: str


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
    file, _, _ = load_bench(path)
    looks = [_missing(role) for role in ROLES if role not in file.instruments]
    looks = [*_devices(file, path), *asyncio.run(_try(path, flash)), *looks]
    well = all(look.well for look in looks)
    for look in looks:
        typer.echo(f"{'ok     ' if look.well else 'MISSING'} {look.what}: {look.text}", err=True)
    if as_json:
        typer.echo(json.dumps({"ok": well, "bench": file.name, "looks": [asdict(look) for look in looks]}))
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


def _pytest(arguments: Sequence[str]) -> int:
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(SUITE)]
    return subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode


def _filled(file: BenchFile) -> list[str]:
    return [role for role in ROLES if role in file.instruments]


async def _radio(radio: Radio) -> list[Look]:
    """Let the radio listen, and the attenuator go to its end and back."""
    await radio.listen(CHANNEL)
    heard = f"listens to {CHANNEL.frequency_khz / 1000:g} MHz with SF{CHANNEL.spreading_factor}"
    lost = f"{radio.fixed_db:g} dB of pads and cables before it"
    looks = [Look("radio", well=True, text=f"{heard}; {lost}")]
    if radio.attenuator:
        most_db = await radio.attenuate(radio.attenuator.most_db)
        await radio.attenuate(0)
        step = f"in steps of {radio.attenuator.step_db:g} dB"
        looks.append(Look("attenuator", well=True, text=f"goes to {most_db:g} dB and back, {step}"))
        whole_db = radio.fixed_db + most_db
        if whole_db < ENOUGH_DB:
            said = f"{whole_db:g} dB in all do not silence the board: the range test needs {ENOUGH_DB}"
            looks.append(Look("attenuator", well=False, text=said))
    return looks


def _missing(role: str) -> Look:
    return Look(role, well=True, text="this bench has none; tests that need it are skipped")


def _devices(file: BenchFile, path: Path) -> list[Look]:
    """Look for the files of a real bench's instruments."""
    wanted: list[tuple[str, Path]] = []
    if isinstance(file.console, SerialPort):
        wanted.append(("console", Path(file.console.port)))
    if isinstance(file.power, UsbRelay):
        wanted.append(("power", Path(file.power.device)))
    if isinstance(file.power, UsbPort):
        wanted.append(("power", Path(file.power.port) / "disable"))
    if isinstance(file.stimulus, StimulusPort):
        wanted.append(("stimulus", Path(file.stimulus.port)))
    if isinstance(file.radio, LoraBridge):
        wanted.append(("radio", Path(file.radio.port)))
    if isinstance(file.attenuator, SerialAttenuator):
        wanted.append(("attenuator", Path(file.attenuator.port)))
    if isinstance(file.flasher, Esptool):
        wanted.append(("flasher", path.parent / file.flasher.image))
    return [_device(role, device) for role, device in wanted]


def _device(role: str, device: Path) -> Look:
    if not device.exists():
        return Look(role, well=False, text=f"{device} is not there: is it plugged in, is the path right?")
    if not os.access(device, os.R_OK | os.W_OK):
        return Look(role, well=False, text=f"{device} may not be opened by this user: see hardware/README.md")
    return Look(role, well=True, text=str(device))


async def _try(path: Path, flash: bool) -> list[Look]:
    """Open the instruments and use each a little."""
    file, site, node = load_bench(path)
    looks: list[Look] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            with locked(path):
                async with opened(file, site, node, path, Path(folder)) as bench:
                    await bench.power.off()
                    await bench.power.on()
                    looks.append(Look("power", well=True, text="switched off and on"))
                    if bench.meter:
                        charge = await bench.meter.measure(0.5)
                        looks.append(Look("meter", well=True, text=f"{charge.mean_ua / 1000:.1f} mA"))
                    if bench.radio:
                        looks += await _radio(bench.radio)
                    if flash:
                        parts = (bench.console, bench.power, bench.flasher, bench.meter, bench.clock)
                        await Strategy(*parts, HELLO).to(State.ASLEEP)
                        looks.append(Look("board", well=True, text="flashed, started and fell asleep"))
                    await bench.power.off()
        except (InstrumentError, Stuck) as error:
            looks.append(Look("bench", well=False, text=str(error)))
    return looks
