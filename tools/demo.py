"""`./run demo`: a municipality's sensor network on this machine, watched until it has proved itself.

Virtual nodes run the firmware in real MicroPython; everything else is the real thing on private ports. At
the end, when the time is over or Ctrl-C is pressed, sampling stops, the system drains, and what flash, store
and InfluxDB hold is compared as sets.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
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
from tools.teller import Teller
from tools.town import Town
from tools.verify import Comparison

SITE = Path(__file__).parent.parent / "device_configs" / "sites" / "narvik-demo"
PAGE_PORT = 8080
ROUND_S = 6 * INTERVAL_S + 12.0  # every sixth report asks what has arrived, and has to be answered
BATCH_S = 30.0  # a mains node writes and sends what it measured in batches
COUNT_S, ALERTS_S = 0.5, 2.0
FAILED, CONFIGURATION, VERIFICATION_FAILED, INTERRUPTED = 1, 3, 5, 130


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for. `seconds` None: until Ctrl-C."""

    site: Path
    seconds: float | None
    report: Path | None
    page_port: int
    api: str


class PortTaken(Exception):
    """Another program has the page's port."""


def check_port(port: int) -> None:
    """Raise PortTaken where nobody could see the page there: a gateway goes on without one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port}, where the page would be, cannot be had ({error.strerror}). "
                f"End the program that has it, or choose another: ./run demo --page {port % 65535 + 1}"
            ) from error


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
    page = teller.bold(f"http://{HOST}:{wishes.page_port}")
    teller.say(f"  Page       {page} (for a browser on this machine)")
    teller.say(f"  InfluxDB   {town.database.url}, database sensornett")
    teller.say(f"  MQTT       {HOST}:{town.broker.port} (a credential for each node)")
    teller.say(f"  Files      {folder}")
    teller.say()
    for node in town.site.nodes:
        teller.say(f"  {node.id:>5}  {node.name:<28} {node.profile.title:<18} {_way_of(node):<22} {version}")
    teller.say()
    until = "with Ctrl-C" if wishes.seconds is None else f"after {wishes.seconds:.0f} s, or with Ctrl-C"
    teller.say(f"  Recordings play {town.speed:.0f} times faster than real. Ends {until}, and proves itself.")
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


@contextlib.contextmanager
def _interrupt_ends() -> Iterator[asyncio.Event]:
    """Let Ctrl-C only set the event meanwhile; after that it stops everything again."""
    loop, task, ended = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert task
    loop.add_signal_handler(signal.SIGINT, ended.set)
    try:
        yield ended
    finally:
        loop.add_signal_handler(signal.SIGINT, task.cancel)


async def _watch(town: Town, seconds: float | None, teller: Teller) -> None:
    """Let things happen, and count."""
    begun = time.monotonic()
    events = story(town)
    alerts: dict[str, str] = {}
    looked_s = 0.0
    with _interrupt_ends() as ended:
        while not ended.is_set() and (seconds is None or time.monotonic() - begun < seconds):
            passed = time.monotonic() - begun
            while events and events[0].at_s <= passed:
                await _happen(events.pop(0), passed, teller)
            if passed - looked_s >= ALERTS_S:
                looked_s, before, alerts = passed, alerts, await town.alerts()
                for name in [name for id_, name in alerts.items() if id_ not in before]:
                    teller.say(f"  {passed:4.0f} s   {teller.bold('Alert')}: {name}")
                for name in [name for id_, name in before.items() if id_ not in alerts]:
                    teller.say(f"  {passed:4.0f} s   Over: {name}")
            teller.live(f"  {passed:4.0f} s   {await town.counts_in_words()}")
            await asyncio.sleep(COUNT_S)
    teller.live("")


async def _happen(event: Event, passed: float, teller: Teller) -> None:
    teller.say(f"  {passed:4.0f} s   {event.text}")
    await event.act()


async def _prove(town: Town, wishes: Wishes, begun: float, teller: Teller) -> int:
    teller.say()
    teller.say("  Now the proof. Ctrl-C stops at once, without it.")
    if town.air:
        teller.say(
            "  To save airtime a LoRa node asks only with every sixth report what has arrived: "
            f"its answer can take {ROUND_S:.0f} s."
        )
    async with teller.step("The database answers"):
        await town.start_database()
    async with teller.step("Sampling stops, nodes tell the rest"):
        await _stop_sampling(town, teller)
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
        equal = teller.bold("Equal")
        teller.say(f"  {equal}: each record in a node's flash is in the store once, and in InfluxDB once.")
        teller.say("  The values are the same, and were true at the time that is given, to within 2 s.")
        return 0
    for difference in found.differences:
        teller.say(f"  Different: {difference}")
    return VERIFICATION_FAILED


async def _stop_sampling(town: Town, teller: Teller) -> None:
    """Stop it, and tell meanwhile who is waited for and about how long that will take."""
    begun = time.monotonic()
    stopping = asyncio.create_task(town.stop_sampling())
    try:
        while not stopping.done():
            left_s = begun + (ROUND_S if town.air else BATCH_S) - time.monotonic()
            teller.live(waiting_text(town.unsettled_names, len(town.residents), left_s))
            await asyncio.wait([stopping], timeout=COUNT_S)
    finally:
        stopping.cancel()
        await asyncio.wait([stopping])
    await stopping


def waiting_text(names: Sequence[str], nodes: int, left_s: float) -> str:
    """Return which of so many nodes are waited for, and for about how long."""
    if not names:
        return ""
    who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    when = f"about {left_s:.0f} s" if left_s >= 1 else "longer than usual, but nothing is lost"
    return f"  {nodes - len(names)} of {nodes} nodes are done, waiting for {who}: {when}"


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


def _wishes(arguments: Sequence[str] | None) -> Wishes:
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="stop after that long")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what was found as JSON")
    parser.add_argument("--site", type=Path, default=SITE, metavar="DIR", help="another site")
    parser.add_argument("--page", type=int, default=PAGE_PORT, metavar="PORT", help="port of the page")
    parser.add_argument("--api", choices=("v1", "v2"), default="v1", help="v1 InfluxDB, v2 VictoriaMetrics")
    given = parser.parse_args(arguments)
    if given.report and not given.report.absolute().parent.is_dir():
        parser.error(f"--report: there is no folder {given.report.absolute().parent}")
    return Wishes(given.site, given.seconds, given.report, given.page, given.api)


def main(arguments: Sequence[str] | None = None) -> int:
    wishes = _wishes(arguments)
    teller = Teller()
    try:
        check_port(wishes.page_port)
    except PortTaken as error:
        teller.say(str(error))
        return FAILED
    folder = Path(tempfile.mkdtemp(prefix="sensornett-"))
    try:
        status = asyncio.run(_until_interrupted(wishes, folder, teller))
    except ConfigError as error:
        teller.say("\n".join(problem.pretty() for problem in error.problems))
        status = CONFIGURATION
    except (ServerError, MicroPythonMissing, NoChip, NoSurroundings, TimeoutError) as error:
        teller.say(f"  {error}")
        status = FAILED
    if status in (0, CONFIGURATION, INTERRUPTED):
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
