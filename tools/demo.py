"""`./run demo`: a municipality's sensor network on this machine, watched until it has proved itself.

Virtual nodes run the firmware in real MicroPython; everything else is the real thing on private ports. At
the end sampling stops, the system drains, and what flash, store and InfluxDB hold is compared as sets.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from device_configs.model import Node
from device_configs.problem import ConfigError
from hardware.virtual.micropython import MicroPythonMissing, command
from hardware.virtual.nodes import NoChip
from tools.energy_history import write_history
from tools.radio_site import INTERVAL_S, VALLEY, by_radio
from tools.servers import HOST, ServerError
from tools.story import Event, story
from tools.surroundings import NoSurroundings
from tools.town import Town
from tools.verify import Comparison

SITE = Path(__file__).parent.parent / "device_configs" / "sites" / "narvik-demo"
PAGE_PORT = 8080
FAILED, CONFIGURATION, VERIFICATION_FAILED, INTERRUPTED = 1, 3, 5, 130


class Teller:
    """Says on stderr what is going on; a line that changes only on a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._line = ""
        self._colour = self._terminal and not os.environ.get("NO_COLOR")

    def say(self, text: str = "") -> None:
        self._clear()
        print(text, file=sys.stderr, flush=True)
        self._draw()

    def bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self._colour else text

    def live(self, text: str) -> None:
        """Show `text` below everything else until it is replaced."""
        if self._terminal:
            self._clear()
            self._line = text[: shutil.get_terminal_size().columns - 1]
            self._draw()

    @contextlib.asynccontextmanager
    async def step(self, text: str) -> AsyncIterator[None]:
        begun = time.monotonic()
        self.live(f"  {text} ...")
        try:
            yield
        except BaseException:
            self.live("")
            self.say(f"  {text:<52} failed")
            raise
        self.live("")
        self.say(f"  {text:<52} {time.monotonic() - begun:5.1f} s")

    def _clear(self) -> None:
        if self._terminal and self._line:
            sys.stderr.write("\r\033[K")

    def _draw(self) -> None:
        if self._terminal and self._line:
            sys.stderr.write(self._line)
            sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for. `seconds` None: until Ctrl-C."""

    site: Path
    seconds: float | None
    report: Path | None
    page_port: int
    api: str


async def run(wishes: Wishes, folder: Path, teller: Teller) -> int:
    """Run the demo; return the exit status."""
    begun = time.monotonic()
    own = wishes.site == SITE
    town = Town(
        folder,
        by_radio(SITE, folder / "site") if own else wishes.site,
        lora_interval_s=INTERVAL_S,
        valley=VALLEY if own else (),
        api="v1" if wishes.api == "v1" else "v2",
        page_port=wishes.page_port,
    )
    teller.say(teller.bold(f"Sensornett: {town.site.name}, {len(town.site.nodes)} virtual nodes"))
    try:
        await _start(town, teller)
        _tell_where(town, wishes, folder, teller)
        await _watch(town, wishes.seconds, teller)
        return await _prove(town, wishes, begun, teller)
    finally:
        teller.live("")
        await asyncio.shield(town.stop())


async def _start(town: Town, teller: Teller) -> None:
    database = "InfluxDB" if town.api == "v1" else "VictoriaMetrics"
    async with teller.step("MQTT broker (Mosquitto)"):
        await town.start_broker()
    async with teller.step(f"Database ({database})"):
        await town.start_database()
    if town.site.demo and town.site.buildings:
        async with teller.step("Two recorded years behind the buildings"):
            await asyncio.to_thread(write_history, town.folder / "gateway", town.site, time.time())
    async with teller.step("Gateway: ingest, store, page"):
        await town.start_gateway()
    async with teller.step("Cloud sync"):
        await town.start_sync()
    async with teller.step(f"{len(town.site.nodes)} boards: firmware on flash, power on"):
        await town.start_nodes()


def _tell_where(town: Town, wishes: Wishes, folder: Path, teller: Teller) -> None:
    teller.say()
    version = micropython()
    teller.say(f"  Page       {teller.bold(f'http://{HOST}:{wishes.page_port}')}")
    teller.say(f"  InfluxDB   {town.database.url}, database sensornett")
    teller.say(f"  MQTT       {HOST}:{town.broker.port} (a credential for each node)")
    teller.say(f"  Files      {folder}")
    teller.say()
    for node in town.site.nodes:
        teller.say(f"  {node.id:>5}  {node.name:<28} {node.profile.title:<18} {_way_of(node):<22} {version}")
    teller.say()
    until = "" if wishes.seconds is None else f"Runs for {wishes.seconds:.0f} s. "
    teller.say(f"  Recordings play {town.speed:.0f} times faster than real. {until}Ctrl-C stops it.")
    lora = town.site.lora
    if town.air and lora:
        teller.say(
            f"  The radio is in real time, {lora.frequency_khz / 1000:g} MHz at SF{lora.spreading_factor}: "
            f"every {INTERVAL_S} s is what the law on airtime leaves a node."
        )
    teller.say()


def _way_of(node: Node) -> str:
    if node.carrier == "mqtt":
        return "Wi-Fi"
    return "LoRa, packet forwarder" if node.id in VALLEY else "LoRa, USB bridge"


async def _watch(town: Town, seconds: float | None, teller: Teller) -> None:
    """Let things happen, and count."""
    begun = time.monotonic()
    events = story(town)
    while seconds is None or time.monotonic() - begun < seconds:
        passed = time.monotonic() - begun
        while events and events[0].at_s <= passed:
            await _happen(events.pop(0), passed, teller)
        teller.live(f"  {passed:4.0f} s   {await town.counts_in_words()}")
        await asyncio.sleep(0.5)
    teller.live("")


async def _happen(event: Event, passed: float, teller: Teller) -> None:
    teller.say(f"  {passed:4.0f} s   {event.text}")
    await event.act()


async def _prove(town: Town, wishes: Wishes, begun: float, teller: Teller) -> int:
    teller.say()
    async with teller.step("The database answers"):
        await town.start_database()
    async with teller.step("Sampling stops, nodes tell the rest"):
        await town.stop_sampling()
    async with teller.step("Sync drains"):
        await town.drain()
    async with teller.step("Flash, store, InfluxDB and world compared"):
        found = await town.compare()
    report = await _report(town, found, time.monotonic() - begun)
    if wishes.report:
        wishes.report.write_text(json.dumps(report, indent=1) + "\n")
    counts = ("measured", "acked", "stored", "synced", "quarantined", "lost", "duplicates")
    teller.say()
    teller.say("  " + "   ".join(f"{name} {report[name]}" for name in counts))
    if found.equal:
        teller.say(f"  {teller.bold('Equal')}: flash = store = InfluxDB, each time the world's within 2 s.")
        return 0
    for difference in found.differences:
        teller.say(f"  Different: {difference}")
    return VERIFICATION_FAILED


async def _report(town: Town, found: Comparison, seconds: float) -> dict[str, object]:
    with town.reader() as reader:
        lost = sum(line.lost for line in reader.ledger())
    return {
        "measured": found.measured,
        "acked": sum(resident.acked for resident in town.residents.values()),
        "stored": found.stored,
        "synced": found.synced,
        "quarantined": await town.quarantined(),
        "lost": lost,
        "duplicates": found.duplicates,
        "nodes": len(town.residents),
        "micropython": micropython(),
        "influxdb": await asyncio.to_thread(_influxdb_version, town.database.url),
        "seconds": round(seconds, 1),
        "equal": found.equal,
        "differences": found.differences,
    }


def micropython() -> str:
    """Return the interpreter's name and version, as it says itself."""
    script = "import sys; v = sys.implementation[1]; print('%d.%d.%d' % tuple(v[:3]))"
    done = subprocess.run([*command(), "-c", script], capture_output=True, text=True, check=True)
    return f"MicroPython {done.stdout.strip()}"


def _influxdb_version(url: str) -> str:
    with urllib.request.urlopen(f"{url}/ping", timeout=5) as answer:  # noqa: S310
        version = answer.headers.get("X-Influxdb-Version")
    return f"InfluxDB {version}" if version else "VictoriaMetrics"


def _wishes() -> Wishes:
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="stop after that long")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what was found as JSON")
    parser.add_argument("--site", type=Path, default=SITE, metavar="DIR", help="another site")
    parser.add_argument("--page", type=int, default=PAGE_PORT, metavar="PORT", help="port of the page")
    parser.add_argument("--api", choices=("v1", "v2"), default="v1", help="v1 InfluxDB, v2 VictoriaMetrics")
    given = parser.parse_args()
    return Wishes(given.site, given.seconds, given.report, given.page, given.api)


def main() -> int:
    wishes = _wishes()
    teller = Teller()
    folder = Path(tempfile.mkdtemp(prefix="sensornett-"))
    try:
        status = asyncio.run(_until_interrupted(wishes, folder, teller))
    except ConfigError as error:
        teller.say("\n".join(problem.pretty() for problem in error.problems))
        status = CONFIGURATION
    except (ServerError, MicroPythonMissing, NoChip, NoSurroundings, TimeoutError) as error:
        teller.say(f"  {error}")
        status = FAILED
    if status in (0, INTERRUPTED):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        teller.say(f"  Logs are in {folder}")
    return status


async def _until_interrupted(wishes: Wishes, folder: Path, teller: Teller) -> int:
    demo = asyncio.create_task(run(wishes, folder, teller), name="demo")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, demo.cancel)
    try:
        return await demo
    except asyncio.CancelledError:
        teller.say("  Stopped.")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
