"""Cuts the power of a recorded store at many moments and looks at what the next start finds."""

import asyncio
import itertools
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.store import Change, Store
from tests.faults.busy_store import START_S
from tests.faults.disk_log import Entry
from tests.faults.power_cut import Disk, Files, positions
from tests.gateway.store.made import made

PROGRAM = Path(__file__).with_name("busy_store.py")
Key = tuple[int, int]  # node, sequence


class Broken(AssertionError):
    """Something acknowledged is lost, or something is there that should not be."""


def record(folder: Path, seed: int, synchronous: str = "FULL") -> list[Entry]:
    """Let a store work; return what it did to the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "log.pickle"
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, str(seed), out, synchronous],
        env=paths, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Broken(f"the store did not even work undisturbed: {done.stderr[-2000:]}")
    entries: list[Entry] = pickle.loads(out.read_bytes())
    return entries


def cut_often(folder: Path, entries: Sequence[Entry], count: int, seed: int) -> int:
    """Cut at `count` moments. Return how many; raise Broken, naming seed and moment."""
    chance = random.Random(seed)
    disk, at = Disk(), 0
    asked: set[Key] = set()
    acknowledged: set[Key] = set()
    store_id: bytes | None = None
    for number, position in enumerate(positions(entries, count, chance)):
        for entry in entries[at:position]:
            if entry[0] == "asked":
                asked.update(entry[1])
            elif entry[0] == "acknowledged":
                acknowledged.update(entry[1])
            elif entry[0] == "store":
                store_id = entry[1]
            else:
                disk.feed(entry)
        at = position
        place = folder / f"cut-{number}"
        try:
            lay_out(place, disk.cut(chance), chance)
            asyncio.run(look(place / "store.db", asked, acknowledged, store_id))
        except (AssertionError, Exception) as error:
            raise Broken(f"seed {seed}, cut {number} at entry {position}: {error}") from error
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    return count


def lay_out(place: Path, files: Files, chance: random.Random) -> None:
    """Write the files; what shared memory there was is lost, or left over as rubbish."""
    place.mkdir()
    for path, content in files.items():
        if Path(path).name.startswith("store.db"):
            (place / Path(path).name).write_bytes(content)
    if chance.random() < 0.5:
        (place / "store.db-shm").write_bytes(chance.randbytes(32768))


async def look(path: Path, asked: set[Key], acknowledged: set[Key], store_id: bytes | None) -> None:
    """Open the store as the next start does, and compare sets."""
    store = Store.open(path)
    try:
        assert store.salvaged is None, f"damaged: {store.salvaged}"
        assert store_id in (None, store.store_id), "another store"
        pruned = {
            (node, seq)
            for node, first, last in store.reader.connection.execute("SELECT node, first, last FROM pruned")
            for seq in range(first, last + 1)
        }
        check(store, asked, acknowledged, pruned)
        again = [made(seq, node=node, at_s=START_S + seq * 3 // 4) for node, seq in sorted(asked)]
        await store.append(Change(records=again))  # nobody was told, so everything comes once more
        check(store, asked, asked, pruned)
    finally:
        await store.close()


def check(store: Store, asked: set[Key], acknowledged: set[Key], pruned: set[Key]) -> None:
    found = store.after(0, 1 << 40)
    stored = [(r.node, r.seq) for r in found]
    assert len(stored) == len(set(stored)), "a record twice"
    assert len({(r.node, r.measured_at_s) for r in found}) == len(found), "two records in one second"
    there = set(stored) | pruned
    assert not acknowledged - there, f"acknowledged and lost: {sorted(acknowledged - there)[:5]}"
    assert not there - asked, f"out of nowhere: {sorted(there - asked)[:5]}"
    assert all(r.values == (r.seq, None, -5) for r in found), "other values"
    heard = {
        (node, seq)
        for node in {node for node, _ in there}
        for first, last in store.reader.heard(node, 0xA1B2C3D4)
        for seq in range(first, last + 1)
    }
    assert heard == there, "what is heard is not what is there"
    for first, last in itertools.pairwise(found):
        assert first.commit < last.commit
