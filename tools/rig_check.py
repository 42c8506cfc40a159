"""What `sensornett rig check` finds at a bench: each instrument looked for, opened and used a little."""

import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device_configs.model import Node, Site
from device_configs.problem import closest
from device_configs.radio_schema import Lora
from hardware.bench_file import ROLES, BenchFile, Esptool, SerialPort, load_bench
from hardware.protocols import InstrumentError, Radio
from hardware.rig import Bench, locked, opened
from hardware.strategy import ASLEEP_UA, State, Strategy, Stuck
from tools.node.flasher import check_image
from tools.node.trouble import Trouble

README = "see hardware/README.md"
# A program that shows that board, supply, console and flasher belong together.
HELLO = {"main.py": b"import machine, time\ntime.sleep(1)\nprint('cold boot 1')\nmachine.deepsleep(600000)\n"}
CHANNEL = Lora(frequency_khz=868_300, spreading_factor=7, bandwidth_khz=125, power_dbm=14)
ENOUGH_DB = 145  # a board at 14 dBm is lost at 139 with SF7
SETTLED_S, LISTEN_S = 0.5, 2.0
NAMES = 4  # of other ports are listed
TEXT_LEAST = 20  # characters, before it is judged whether they are text


@dataclass(frozen=True, slots=True)
class Look:
    """One thing of a bench: `well`, or what to do."""

    what: str
    well: bool
    text: str


async def looks(path: Path, flash: bool) -> list[Look]:
    """Return what there is to say of each instrument of the bench in `path`. Raises ConfigError.

    `flash`: also flash the board and run a small program.
    """
    file, site, node = load_bench(path)
    chip = site.catalog.boards[node.board].chip
    found = [*(_device(*each) for each in file.devices.items()), *_image(file, path, chip)]
    # A console may come with the supply; and files can be written without MicroPython's image.
    if all(look.well for look in found if look.what not in ("console", "flasher")):
        found = [look for look in found if look.what != "console"]
        found += await _try(file, site, node, path, flash)
    missing = "this bench has none; tests that need it are skipped"
    return [*found, *(Look(r, well=True, text=missing) for r in ROLES if r not in file.instruments)]


def _device(role: str, device: Path) -> Look:
    """Look for the device file of a real bench's instrument."""
    if not device.exists():
        said = f"{device} is not there: is it plugged in, is the path right?{_beside(device)}"
        return Look(role, well=False, text=said)
    if device.name != "disable" and not stat.S_ISCHR(device.stat().st_mode):
        return Look(role, well=False, text=f"{device} is no device: is the path right?{_beside(device)}")
    if not os.access(device, os.R_OK | os.W_OK):
        return Look(role, well=False, text=f"{device} may not be opened by this user: {README}, `Rights`")
    return Look(role, well=True, text=str(device))


def _beside(asked: Path | str) -> str:
    """Return which other devices lie where this one is looked for in vain, the most similar first."""
    device = Path(asked)
    if _is_port(device):
        return ""
    try:
        names = {entry.name for entry in device.parent.iterdir() if _is_port(entry)}
    except OSError:
        return ""
    like = closest(device.name, names)
    alike = sorted(names, key=lambda name: (name != like, name))[:NAMES]
    return f" In {device.parent} there are: {', '.join(alike)}" if alike else ""


def _is_port(path: Path) -> bool:
    """Whether this may be an instrument's: a character device that is no console of the computer itself."""
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    serial = path.parent.name != "dev" or path.name.startswith(("ttyUSB", "ttyACM", "hidraw", "i2c-"))
    return stat.S_ISCHR(kind) and serial


def _image(file: BenchFile, path: Path, chip: str) -> list[Look]:
    """Look whether MicroPython's image is there, and one for the board's chip."""
    if not isinstance(file.flasher, Esptool):
        return []
    image = Path(os.path.normpath(path.parent / file.flasher.image))
    if not image.is_file():
        said = f"{image} is not there: fetch MicroPython for the {chip}, {README}"
        return [Look("flasher", well=False, text=said)]
    try:
        check_image(image, chip)
    except Trouble:
        said = f"{image} is no program for the board's chip, {chip}: fetch MicroPython for it, {README}"
        return [Look("flasher", well=False, text=said)]
    return [Look("flasher", well=True, text=f"{image}, for the {chip}")]


async def _try(file: BenchFile, site: Site, node: Node, path: Path, flash: bool) -> list[Look]:
    """Open the instruments and use each a little."""
    found: list[Look] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            with locked(path):
                async with opened(file, site, node, path, Path(folder)) as bench:
                    found += await _power(bench)
                    if bench.meter:
                        charge = await bench.meter.measure(SETTLED_S)
                        found.append(Look("meter", well=True, text=f"{charge.mean_ua / 1000:.1f} mA"))
                    if bench.stimulus:
                        played = ", ".join(sorted(bench.stimulus.channels)) or "nothing of this node"
                        button = " and the button" if bench.stimulus.button else ""
                        found.append(Look("stimulus", well=True, text=f"plays {played}{button}"))
                    if bench.radio:
                        found += await _radio(bench.radio)
                    if flash:
                        parts = (bench.console, bench.power, bench.flasher, bench.meter, bench.clock)
                        await Strategy(*parts, HELLO).to(State.ASLEEP)
                        found.append(Look("board", well=True, text="flashed, started and fell asleep"))
                    await bench.power.off()
        except (InstrumentError, Stuck) as error:
            beside = _beside(file.console.port) if isinstance(file.console, SerialPort) else ""
            found.append(Look("bench", well=False, text=f"{error}{beside}"))
    return found


async def _power(bench: Bench) -> Sequence[Look]:
    """Take the supply away and give it back; what goes on without it is on another supply."""
    await bench.power.off()
    await bench.clock.sleep(SETTLED_S)
    heard = len(bench.console.text())
    charge = await bench.meter.measure(LISTEN_S) if bench.meter else None
    if charge is None:
        await bench.clock.sleep(LISTEN_S)
    still_printed = len(bench.console.text()) > heard
    await bench.power.on()
    heard = len(bench.console.text())
    await bench.clock.sleep(LISTEN_S)
    printed = bench.console.text()[heard:]
    still = "the board goes on printing" if still_printed else ""
    if not still and charge and charge.mean_ua > ASLEEP_UA:
        still = f"{charge.mean_ua / 1000:.1f} mA flow"
    power = Look("power", well=True, text="switched off and on")
    if still:
        said = f"it was switched off, and {still}: does it switch this board, and nothing else feed it?"
        power = Look("power", well=False, text=said)
    return [_console(printed), power]


def _console(printed: str) -> Look:
    """Judge what the board printed after power-on."""
    if len(printed) >= TEXT_LEAST and printed.count("\ufffd") * 3 > len(printed):
        said = "what the board prints is no text: is `baud` right, are all grounds one?"
        return Look("console", well=False, text=said)
    count = len(printed)
    said = f"open; the board printed {count} characters" if count else "open; the board printed nothing"
    return Look("console", well=True, text=f"{said} within {LISTEN_S:g} s of power-on")


async def _radio(radio: Radio) -> list[Look]:
    """Let the radio listen, and the attenuator go to its end and back."""
    await radio.listen(CHANNEL)
    heard = f"listens to {CHANNEL.frequency_khz / 1000:g} MHz with SF{CHANNEL.spreading_factor}"
    lost = f"{radio.fixed_db:g} dB of pads and cables before it"
    found = [Look("radio", well=True, text=f"{heard}; {lost}")]
    if radio.attenuator:
        most_db = await radio.attenuate(radio.attenuator.most_db)
        await radio.attenuate(0)
        step = f"in steps of {radio.attenuator.step_db:g} dB"
        found.append(Look("attenuator", well=True, text=f"goes to {most_db:g} dB and back, {step}"))
        whole_db = radio.fixed_db + most_db
        if whole_db < ENOUGH_DB:
            said = f"{whole_db:g} dB in all do not silence the board: the range test needs {ENOUGH_DB}"
            found.append(Look("attenuator", well=False, text=said))
    return found
