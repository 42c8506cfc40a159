"""Power cuts of a store at work, and kill -9 of the real processes under load.

Full length: 2000 power cuts in 40 recorded runs, 200 kills in 4 runs. Nothing acknowledged may be lost,
nothing stored twice, and every start has to succeed.
"""

import asyncio
import tempfile
from pathlib import Path

from tests.faults.kills import kill_often
from tests.faults.store_cuts import cut_often, record
from tests.soak.tally import Tally

RECORDINGS, CUTS = 40, 50
KILL_RUNS, KILLS = 4, 50


def run(tally: Tally) -> None:
    tally.facts.update(power_cuts=0, kills=0, records_through_kills=0)
    kill_every = RECORDINGS // KILL_RUNS
    for number, seed in enumerate(tally.rounds(RECORDINGS)):
        with tally.run(seed), tempfile.TemporaryDirectory() as folder:
            entries = record(Path(folder) / "work", seed)
            tally.add("power_cuts", cut_often(Path(folder), entries, CUTS, seed))
        if number % kill_every == kill_every - 1 and tally.minutes_left > 0:
            with tally.run(seed), tempfile.TemporaryDirectory() as folder:
                through = asyncio.run(kill_often(Path(folder), seed, KILLS))
                tally.add("kills", KILLS)
                tally.add("records_through_kills", through)
                tally.tell(f"{tally.facts}")
