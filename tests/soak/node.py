"""Thirty virtual days of a node of each profile, while all goes wrong around it.

Power cuts at any moment and at flash operations (whole and torn), brown-outs, an access point that is gone
for hours, broker and gateway that are away: in the end flash and store hold the same records, each once, and
the ledger closes. Real MicroPython, real broker, the project's own gateway, virtual time.
"""

import asyncio
import multiprocessing
import random
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from gateway.model import Refusal
from hardware.virtual.board import State
from hardware.virtual.clock import GRACE_MS
from hardware.virtual.flash import PowerCut
from tests.commands import in_memory, only_critical_logs
from tests.firmware.lab import Lab
from tests.soak.tally import Tally

NODES = {"energy": 31, "snow": 21, "intake": 11}  # the longest first
AT_ONCE = 2
DAYS = 30
DAY_S = 86_400.0
LIST_S = 10.0  # between two lists of the energy node's meter
BETWEEN_S = 6 * 3600  # between two troubles, on the average
SETTLE_S = 2 * DAY_S
TELL_S = 10.0
RECONNECT_S = 120.0  # real, and above the longest pause between two tries of the gateway
AWAY_MS = 10


def run(tally: Tally) -> None:
    for name in ("virtual_days", "wakes", "records", "lost", "power_cuts", "watchdog_resets", "crashes"):
        tally.add(name, 0)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, spawn, only_critical_logs) as pool:
        lives = {}
        for name, node in NODES.items():
            life = Life(name, node, tally.first_seed + node, _share(name, tally.minutes), tally.tell)
            lives[pool.submit(live, life)] = life
        for ended in as_completed(lives):
            with tally.run(lives[ended].seed):
                for fact, count in ended.result().items():
                    tally.add(fact, count)


def _share(name: str, minutes: float | None) -> float | None:
    """Minutes of one node: the battery nodes follow each other beside the one on mains."""
    return minutes if minutes is None or name == "energy" else minutes / 2


@dataclass(frozen=True, slots=True)
class Life:
    """What one process is to do. `minutes` None: all days."""

    name: str
    node: int
    seed: int
    minutes: float | None
    tell: Callable[[str], None]


def live(life: Life) -> dict[str, int]:
    """One node's days in a process of its own; returns the facts. Raises where they did not end well."""
    # What the board host and the gateway write is safe from the power cuts here: those are the node's.
    with tempfile.TemporaryDirectory(prefix="soak-node-", dir=in_memory()) as folder:
        try:
            return asyncio.run(survive(Path(folder), life))
        except Exception:
            life.tell(f"{life.name}: {traceback.format_exc()}")
            raise


async def survive(folder: Path, life: Life) -> dict[str, int]:
    """As many days as there is time for. Raises AssertionError where they did not end well."""
    lab = Lab(folder, life.node, list_s=LIST_S)
    began_s = told_s = time.monotonic()
    until_s = float("inf") if life.minutes is None else began_s + life.minutes * 60
    told_day = 0
    trouble = Trouble(lab, random.Random(life.seed))
    await lab.start()
    try:
        await lab.board.power_on()
        while lab.clock.monotonic_s() < DAYS * DAY_S and time.monotonic() < until_s:
            await trouble.next()
            day = int(lab.clock.monotonic_s() / DAY_S)
            if day > told_day and time.monotonic() > told_s + TELL_S:
                told_day, told_s = day, time.monotonic()
                life.tell(f"{life.name}: day {day} of {DAYS} after {told_s - began_s:.0f} s")
        await trouble.end()
        await settle(lab)
        counts = lab.board.counts
        facts = {
            "virtual_days": round(lab.clock.monotonic_s() / DAY_S),
            "wakes": counts.starts,
            "power_cuts": counts.power_cuts,
            "watchdog_resets": counts.watchdog_resets,
            "crashes": counts.crashes,
            "records": compare(lab),
            "lost": lost(lab),
        }
        told = ", ".join(f"{fact} {count}" for fact, count in (facts | trouble.counts).items())
        life.tell(f"{life.name}: well after {time.monotonic() - began_s:.0f} s; {told}")
        return facts
    finally:
        await lab.stop()


class Trouble:
    """One thing after another goes wrong, for a while."""

    def __init__(self, lab: Lab, rng: random.Random) -> None:
        self._lab = lab
        self._rng = rng
        self.counts: dict[str, int] = {}
        self._kinds: list[Callable[[], Awaitable[None]]] = [
            self._cut_power, self._cut_at_a_write, self._brown_out, self._lose_radio, self._stop_broker,
            self._stop_gateway, self._move_a_value,
        ]  # fmt: skip

    async def next(self) -> None:
        await self._lab.clock.sleep(self._rng.expovariate(1 / BETWEEN_S))
        kind = self._rng.choice(self._kinds)
        name = kind.__name__.strip("_")
        self.counts[name] = self.counts.get(name, 0) + 1
        await kind()

    async def end(self) -> None:
        """Calm weather, and power."""
        if self._lab.board.state is State.OFF:
            await self._lab.board.power_on()

    async def _for_a_while(self) -> None:
        await self._lab.clock.sleep(self._rng.uniform(60, 8 * 3600))

    async def _nobody_answers(self) -> None:
        """A server that is away need not be waited for in real time, only the broker before it."""
        self._lab.clock.grace_ms = AWAY_MS
        await self._for_a_while()
        self._lab.clock.grace_ms = GRACE_MS

    async def _at_a_standstill(self, action: Awaitable[object]) -> None:
        """Servers take real time to stop and start: the virtual one waits for them."""
        self._lab.clock.hold()
        try:
            await action
        finally:
            self._lab.clock.release()

    async def _cut_power(self) -> None:
        board = self._lab.board
        if self._rng.random() < 0.7:  # in the middle of what it does, not of its sleep
            await board.until(lambda: board.state is State.RUNNING, 60)
            await asyncio.sleep(self._rng.uniform(0, 0.05))
        await board.power_cut()
        await self._lab.clock.sleep(self._rng.choice((1.0, 600.0, 20_000.0)))
        await board.power_on()

    async def _cut_at_a_write(self) -> None:
        board = self._lab.board
        if board.state is not State.ASLEEP:
            await board.power_cut()
        board.plan_power_cut(PowerCut(self._rng.randint(1, 30), self._rng.random() < 0.5))
        if board.state is State.OFF:
            await board.power_on()
        await board.until(lambda: board.state is State.OFF, 120)
        await board.power_on()

    async def _brown_out(self) -> None:
        self._lab.world["battery"] = self._rng.choice((3.05, 2.95, 2.8))
        await self._for_a_while()
        self._lab.world["battery"] = 3.6

    async def _lose_radio(self) -> None:
        self._lab.access_point.up = False
        await self._for_a_while()
        self._lab.access_point.up = True

    async def _stop_broker(self) -> None:
        await self._at_a_standstill(asyncio.to_thread(self._lab.broker.stop))
        await self._nobody_answers()
        await self._at_a_standstill(self._start_broker())

    async def _stop_gateway(self) -> None:
        await self._at_a_standstill(self._lab.stop_gateway())
        await self._nobody_answers()
        await self._at_a_standstill(self._start_gateway())

    async def _start_broker(self) -> None:
        await asyncio.to_thread(self._lab.broker.start)
        await self._connected()

    async def _start_gateway(self) -> None:
        await self._lab.start_gateway()
        await self._connected()

    async def _connected(self) -> None:
        until_s = time.monotonic() + RECONNECT_S
        while time.monotonic() < until_s:
            if self._lab.carrier.connected:
                return
            await asyncio.sleep(0.01)
        raise TimeoutError(f"the gateway has not found its broker again within {RECONNECT_S:.0f} s")

    async def _move_a_value(self) -> None:
        for name in ("up", "air", "distance", "power"):
            self._lab.world[name] *= self._rng.uniform(0.8, 1.2)
        self._lab.world["up"] = min(max(self._lab.world["up"], 0.0), 1500.0)
        self._lab.world["distance"] = min(max(self._lab.world["distance"], 600.0), 4000.0)
        self._lab.world["power"] = min(self._lab.world["power"], 100_000.0)


async def settle(lab: Lab) -> None:
    """Let the node tell everything, then switch it off. Raises AssertionError where it does not get there."""
    until_s = lab.clock.monotonic_s() + SETTLE_S
    while lab.clock.monotonic_s() < until_s:
        await lab.clock.sleep(3600)
        board = lab.board
        if board.state is State.ASLEEP:
            if lab.unacknowledged() == 0:
                await board.power_cut()
                return
        elif board.state is State.RUNNING and lab.node.profile.power == "mains":
            memory = board.rtc_memory
            await board.power_cut()
            if lab.unacknowledged(memory) == 0:
                return
            await board.power_on()
    raise AssertionError(f"{lab.unacknowledged()} records are unheard after {SETTLE_S / DAY_S:.0f} calm days")


def compare(lab: Lab) -> int:
    """Return the number of records; raises AssertionError where flash, store and ledger do not agree."""
    flash = {(r.epoch, r.seq, r.values) for r in lab.flash()}
    with lab.reader() as reader:
        stored = [(r.epoch, r.seq, r.values) for r in reader.history(lab.node.id, 0, 1 << 40)]
        ledger = reader.ledger()
        refused = reader.refusals()
    assert len(set(stored)) == len(stored), "a record is stored twice"
    assert flash <= set(stored), f"{len(flash - set(stored))} records of the flash are not stored"
    oldest = min(seq for _, seq, _ in flash)
    beyond = {record for record in stored if record[1] >= oldest} - flash
    assert not beyond, f"{len(beyond)} stored records are not in the flash"
    replays = sum(count for (why, _), count in refused.items() if why is Refusal.REPLAY)
    assert not replays, f"{replays} frames came under a counter that was taken"
    for line in ledger:
        assert line.measured == line.heard + line.lost, f"the ledger does not close: {line}"
    return len(stored)


def lost(lab: Lab) -> int:
    """Records the node numbered and no longer has: those whose writing a power cut broke off."""
    with lab.reader() as reader:
        return sum(line.lost for line in reader.ledger())
