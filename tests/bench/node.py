"""What a wake costs a node: instructions, heap, flash and charge, for each profile.

Instructions are callgrind's, of the real MicroPython on the host, less those of a start that does nothing
in the same run; a node on mains has no wake, but a minute with one record. Heap is the smallest in which a
node still does its work; objects of the host are twice as wide as an ESP32's. Flash is what the block device
counts over months of wakes. Charge is put together by `battery` from data sheets: modelled, with every term
told, until it is measured on a bench.
"""

import asyncio
import tempfile
from pathlib import Path

from device_configs.compile import node_settings
from device_configs.loader import SITES, load_site
from tests.bench.battery import AIRTIME_SF, Cycle, charge_mc, years
from tests.bench.callgrind import PARTS, awake_ms, count, count_minutes
from tests.bench.figures import Figure, at_least, at_most
from tests.firmware.lab import Lab
from tests.firmware.wear import Wear, wear

NODES = {"snow": 21, "intake": 11, "energy": 31}
CELLS = {"snow": 1, "intake": 2}
WAKES, BATCHES = 6000, 8000  # beyond what the ring holds
HEAP_KB = {"battery": 160, "mains": 320}
HEAP_STEP_KB = 4
DAYS_HELD = {"battery": 30, "mains": 3}


def run() -> list[Figure]:
    figures = []
    for profile, node in NODES.items():
        with tempfile.TemporaryDirectory(prefix="bench-node-") as folder:
            figures += asyncio.run(measure(profile, node, Path(folder)))
    return figures


async def measure(profile: str, node: int, folder: Path) -> list[Figure]:
    figures = []
    power = load_site(SITES / "narvik-demo").node(node).profile.power
    if power == "battery":
        figures += await wake_figures(profile, node, folder / "wake")
    else:
        figures += await minute_figures(profile, node, folder)
    most = HEAP_KB[power]
    heap = await smallest_heap(node, folder, most)
    figures.append(Figure(f"{profile}_heap_kb", heap, "kB of host", at_most(most), "found by halving"))
    worn = wear_of(node, power)
    days = worn.held * (10 if power == "mains" else 600) / 86_400
    against = f"levelled {worn.even_years:.0f}"
    figures += [
        Figure(f"{profile}_flash_years", worn.years, "years", at_least(10), against),
        Figure(f"{profile}_days_held", days, "days", at_least(DAYS_HELD[power]), f"{worn.records} made"),
        Figure(f"{profile}_flash_bytes_per_record", worn.bytes_written / worn.records, "B"),
    ]
    return figures


async def minute_figures(profile: str, node: int, folder: Path) -> list[Figure]:
    """Instructions of a minute of a node that does not sleep, in which it makes one record, in parts."""
    lab = Lab(folder / "minutes", node)
    async with running(lab):
        minute, empty = await count_minutes(lab)
    lab = Lab(folder / "wake", node)
    async with running(lab):
        counts = await count(lab)
    parts = {part: counts[end] - counts[start] for part, (end, start) in PARTS.items()}
    total = Figure(f"{profile}_instructions_per_wake", minute, "/min", None, f"empty start {empty}")
    once = {part: parts.pop(part) for part in ("import", "start")}
    parts["tasks"] = round(minute) - sum(parts.values())
    return [
        total,
        *(Figure(f"{profile}_{part}_instructions", n, "", None, "once a start") for part, n in once.items()),
        *(_part(profile, part, n, minute) for part, n in parts.items()),
    ]


def _part(profile: str, part: str, cost: int, total: float) -> Figure:
    return Figure(f"{profile}_{part}_instructions", cost, "", None, f"{round(100 * cost / total)} %")


def wear_of(node: int, power: str) -> Wear:
    site = load_site(SITES / "narvik-demo")
    interval_s = 10 if power == "mains" else 600
    settings = node_settings(site, site.node(node), host="nowhere", interval_s=interval_s)
    return wear(settings, BATCHES if power == "mains" else WAKES)


async def wake_figures(profile: str, node: int, folder: Path) -> list[Figure]:
    """Instructions of a wake in parts, and the years a battery lasts, term by term."""
    lab = Lab(folder, node)
    async with running(lab):
        counts = await count(lab)
        parts = {part: counts[end] - counts[start] for part, (end, start) in PARTS.items()}
        awake = await awake_ms(lab)
    total = sum(parts.values())
    empty = counts["nothing"]
    figures = [Figure(f"{profile}_instructions_per_wake", total, "", None, f"empty start {empty}")]
    figures += [_part(profile, part, cost, total) for part, cost in parts.items()]
    cycle = Cycle(profile, awake_ms=awake, instructions=total, frame_bytes=lab.data_frame_bytes())
    terms = charge_mc(cycle)
    charge = sum(terms.values())
    figures += [Figure(f"{profile}_{term}_mc", mc, "mC", None, "modelled") for term, mc in terms.items()]
    figures.append(Figure(f"{profile}_charge_mc", charge, "mC", None, f"10 min, SF{AIRTIME_SF}"))
    told = f"{CELLS[profile]} cell(s), modelled"
    figures += [
        Figure(f"{profile}_battery_years", years(charge, CELLS[profile]), "years", at_least(5), told),
        Figure(
            f"{profile}_battery_years_cold", years(charge, CELLS[profile], cold=True), "years", at_least(3),
            "60 % at -20",
        ),
    ]  # fmt: skip
    return figures


class running:  # noqa: N801 - used as a statement
    """`async with running(lab)`: its servers are up."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def __aenter__(self) -> None:
        await self._lab.start()

    async def __aexit__(self, *_: object) -> None:
        await self._lab.stop()


async def smallest_heap(node: int, folder: Path, most_kb: int) -> int:
    """The smallest heap, in steps of 4 kB, in which a node starts cold, introduces itself and sends."""
    fails, works = HEAP_STEP_KB, most_kb
    while works - fails > HEAP_STEP_KB:
        middle = (works + fails) // 2 // HEAP_STEP_KB * HEAP_STEP_KB
        if await lives_in(middle, node, folder / f"heap-{middle}"):
            works = middle
        else:
            fails = middle
    return works


async def lives_in(heap_kb: int, node: int, folder: Path) -> bool:
    lab = Lab(folder, node, heap_kb=heap_kb)
    async with running(lab):
        await lab.board.power_on()
        await lab.clock.sleep(1900)
        state = lab.state()
        printed = lab.board.console.text()
        healthy = "MemoryError" not in printed and not lab.board.stuck and lab.board.counts.crashes == 0
        return bool(healthy and state is not None and state.upto + sum(map(bool, state.ranges)) > 0)
