"""Power cuts of a store at work, and kill -9 of the real processes under load.

Full length: 2000 power cuts in 40 recorded runs, 200 kills in 4 runs. Nothing acknowledged may be lost,
nothing stored twice, and every start has to succeed. Both go on at the same time, the cuts in a process of
their own.
"""

import asyncio
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.commands import in_memory, only_critical_logs
from tests.faults.kills import kill_often
from tests.faults.store_cuts import cut_often, record
from tests.soak.tally import Tally

RECORDINGS, CUTS = 40, 50
KILL_RUNS, KILLS = 4, 50
KILLS_IN_HASTE = 10  # of a run where there is only so much time


def run(tally: Tally) -> None:
    tally.facts.update(power_cuts=0, kills=0, records_through_kills=0)
    with ProcessPoolExecutor(1, get_context("spawn"), only_critical_logs) as beside:
        asyncio.run(both(tally, beside))


async def both(tally: Tally, beside: Executor) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(cuts(tally, beside))
        tasks.create_task(kills(tally))


async def cuts(tally: Tally, beside: Executor) -> None:
    loop = asyncio.get_running_loop()
    for seed in tally.rounds(RECORDINGS):
        with tally.run(seed):
            tally.add("power_cuts", await loop.run_in_executor(beside, cut_power, seed, CUTS))


async def kills(tally: Tally) -> None:
    count = KILLS if tally.minutes is None else KILLS_IN_HASTE
    for seed in tally.rounds(KILL_RUNS):
        with tally.run(seed), tempfile.TemporaryDirectory() as folder:
            through = await kill_often(Path(folder), seed, count)
            tally.add("kills", count)
            tally.add("records_through_kills", through)
            tally.tell(f"{tally.facts}")


def cut_power(seed: int, count: int) -> int:
    """Record a store at work and cut its power `count` times. Return how many; raise Broken."""
    # What a cut has left is looked at, and thrown away: there syncs need not wait for a disk.
    with (
        tempfile.TemporaryDirectory() as disk,
        tempfile.TemporaryDirectory(dir=in_memory()) as folder,
    ):
        return cut_often(Path(folder), record(Path(disk), seed), count, seed)
