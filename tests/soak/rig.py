"""Two hundred seeded faults on the virtual bench, each with what is promised, and whether it was held.

A scenario is a fault that its seed chooses, at a moment that its seed chooses, on a node that is at work in
real MicroPython behind a real broker and the project's own gateway. After it the node is left alone for some
wakes. What has to hold each time: every record that the node says is in its flash is in the store, once and
as it was; no frame is refused, so no counter was used twice; cold boots are numbered one after the other.
"""

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from device_configs.radio_schema import Lora
from gateway.model import Refusal
from hardware.bench_file import BENCHES, load_bench
from hardware.rig import Bench, opened
from hardware.strategy import State, Strategy
from hardware.virtual.bench import VirtualConsole
from hardware.virtual.board import Board
from hardware.virtual.chips.chip import Chip, Fault
from hardware.virtual.flash import PowerCut
from hardware.virtual.radio.physics import busiest_hour_s, sensitivity_dbm
from tests.rig import printed
from tests.rig.conftest import INTERVAL_S, program_of
from tests.rig.gateway import RigGateway
from tests.rig.radio import gateway_by_radio, heard, radio_of, until_stored
from tests.soak.tally import Tally
from tools.firmware_image import compiled

SCENARIOS = 200
AT_ONCE = 4  # most of a scenario is waiting for a broker
PATIENCE_S = 900.0  # virtual
REST_S = 700.0  # what a node that was cut short three times in a row may rest


@dataclass(slots=True)
class Scene:
    """What a fault has at hand. `unseen`: records may be stored that were cut before they were printed."""

    bench: Bench
    dut: Strategy
    gateway: RigGateway
    dice: random.Random
    unseen: int = 0

    @property
    def board(self) -> Board:
        assert isinstance(self.bench.console, VirtualConsole)
        return self.bench.console._board

    async def wakes(self, count: float) -> None:
        await self.bench.clock.sleep(count * INTERVAL_S)

    async def asleep(self) -> None:
        self.dut.known = type(self.dut.known)(State.RUNNING, flashed=True, provisioned=True)
        await self.dut.to(State.ASLEEP)

    async def cut(self) -> None:
        await self.bench.power.off()
        self.unseen += 1

    def chip(self) -> Chip:
        return self.dice.choice([c for c in self.board.wiring.chips() if type(c).__name__ in SENSORS])


# By radio
LORA = Lora(frequency_khz=869_525, spreading_factor=7, bandwidth_khz=125, power_dbm=14)
AIRTIME_S = 360.0  # 869.4 to 869.65 MHz: 10 % of any hour (ETSI EN 300 220-2 V3.2.1, annex B)
NEAR_DB = 60.0
RADIO_WAKES = 80  # after silence a node asks with every twelfth report only, then fetches up
TO_INTRODUCE = frozenset({Refusal.UNKNOWN_CLOCK.name, Refusal.UNKNOWN_EPOCH.name})  # a STATUS was lost
SENSORS = ("Ads1115", "OneWireBus", "LoopSensor", "Battery")
BY_RADIO = (
    "nobody hears the radio",
    "the radio is at the edge of its range",
    "nobody hears the radio and the supply goes",
)
Fault_ = Callable[[Scene], Awaitable[None]]


async def power_cut(scene: Scene) -> None:
    await scene.wakes(scene.dice.uniform(0, 2))
    await scene.cut()
    await scene.bench.clock.sleep(scene.dice.uniform(1, 600))
    await scene.bench.power.on()


async def cut_while_starting(scene: Scene) -> None:
    for _ in range(2):
        await scene.cut()
        await scene.bench.power.on()
        await scene.bench.clock.sleep(scene.dice.uniform(0.05, 1))
    await scene.cut()
    await scene.bench.power.on()


async def torn_flash(scene: Scene) -> None:
    await scene.cut()
    scene.board.plan_power_cut(PowerCut(scene.dice.randrange(1, 40), torn=scene.dice.random() < 0.5))
    await scene.bench.power.on()
    await scene.wakes(3)
    await scene.cut()
    scene.board.plan_power_cut(None)
    await scene.bench.power.on()


async def gateway_away(scene: Scene) -> None:
    await scene.gateway.stop()
    await scene.wakes(scene.dice.uniform(1, 5))
    await scene.gateway.start()


async def broker_away(scene: Scene) -> None:
    await scene.gateway.stop_broker()
    await scene.wakes(scene.dice.uniform(1, 5))
    await scene.gateway.start_broker()


async def away_and_cut(scene: Scene) -> None:
    await scene.gateway.stop()
    await scene.wakes(scene.dice.uniform(1, 3))
    await scene.cut()
    await scene.gateway.start()
    await scene.bench.power.on()


async def sensor_fails(scene: Scene) -> None:
    chip = scene.chip()
    chip.fault = scene.dice.choice([Fault.DISCONNECTED, Fault.STUCK, Fault.CORRUPT, Fault.BROWNOUT])
    await scene.wakes(scene.dice.uniform(2, 4))
    chip.fault = Fault.NONE


async def weak_battery(scene: Scene) -> None:
    assert scene.bench.stimulus is not None
    await scene.bench.stimulus.set("battery", scene.dice.uniform(2.4, 3.05))
    await scene.wakes(scene.dice.uniform(1, 4))
    await scene.bench.stimulus.set("battery", 3.6)
    await scene.wakes(61)  # below its lowest voltage a node looks once an hour


async def levels_jump(scene: Scene) -> None:
    assert scene.bench.stimulus is not None
    for _ in range(4):
        await scene.bench.stimulus.set("up", scene.dice.uniform(-400, 3500))
        await scene.bench.stimulus.set("air", scene.dice.uniform(-60, 60))
        await scene.wakes(1)


async def unheard(scene: Scene) -> None:
    radio = radio_of(scene.bench)
    assert radio.attenuator
    await radio.attenuate(radio.attenuator.most_db)
    await scene.wakes(scene.dice.uniform(2, 12))
    await radio.attenuate(NEAR_DB)


async def at_the_edge(scene: Scene) -> None:
    radio = radio_of(scene.bench)
    for _ in range(4):
        edge_db = LORA.power_dbm - sensitivity_dbm(LORA.spreading_factor) - radio.fixed_db
        await radio.attenuate(edge_db + scene.dice.uniform(-1.5, 1.5))
        await scene.wakes(scene.dice.uniform(1, 3))
    await radio.attenuate(NEAR_DB)


async def unheard_and_cut(scene: Scene) -> None:
    await unheard(scene)
    await scene.cut()
    await scene.bench.clock.sleep(scene.dice.uniform(1, 600))
    await scene.bench.power.on()


FAULTS: Mapping[str, tuple[Fault_, str]] = {
    "the supply goes at any moment": (power_cut, "no record is lost, no counter used twice"),
    "the supply goes again while it starts": (cut_while_starting, "it comes back, its backlog whole"),
    "the supply goes while flash is written": (torn_flash, "the file system mounts, records are whole"),
    "the gateway is away": (gateway_away, "records wait, each keeps its own time"),
    "the broker is away": (broker_away, "records wait, each arrives once"),
    "the gateway is away and the supply goes": (away_and_cut, "what nobody heard survives in flash"),
    "a sensor fails": (sensor_fails, "the others go on, nothing is made up"),
    "the battery gets weak": (weak_battery, "it sends less, sleeps, and comes back"),
    "levels and temperatures jump": (levels_jump, "what is told is what was in flash"),
    "nobody hears the radio": (unheard, "records wait, each arrives once, airtime within the law"),
    "the radio is at the edge of its range": (at_the_edge, "what got lost is sent again, once stored"),
    "nobody hears the radio and the supply goes": (unheard_and_cut, "no counter and no airtime anew"),
}  # fmt: skip


async def scenario(seed: int, name: str) -> int:
    """Live one through; return how many records were compared. Raises AssertionError with what is wrong."""
    return await (_by_radio if name in BY_RADIO else _by_wifi)(random.Random(seed), FAULTS[name][0])


async def _by_radio(dice: random.Random, fault: Fault_) -> int:
    file, site, node = load_bench(BENCHES / "virtual.yaml")
    with tempfile.TemporaryDirectory(prefix="rig-") as folder:
        async with (
            opened(file, site, node, BENCHES / "virtual.yaml", Path(folder)) as bench,
            gateway_by_radio(bench, Path(folder) / "gateway", LORA) as gateway,
        ):
            parts = (bench.console, bench.power, bench.flasher, bench.meter, bench.clock)
            dut = Strategy(*parts, program_of(bench, gateway, compiled()))
            scene = Scene(bench, dut, gateway, dice)
            await radio_of(bench).attenuate(NEAR_DB)
            await dut.to(State.ASLEEP)
            await until_stored(bench, gateway, 1, RADIO_WAKES, INTERVAL_S)
            await fault(scene)
            await bench.clock.sleep(REST_S)
            said = printed.records(bench.console.text())
            for _ in range(RADIO_WAKES):  # the newest go first: their number alone proves nothing
                if said.items() <= gateway.records().items():
                    break
                await scene.wakes(1)
            await scene.asleep()
            sent = [(f.ended_ms / 1000 - f.airtime_s, f.airtime_s) for f in heard(bench)]
            assert busiest_hour_s(sent) <= AIRTIME_S, "it was on the air for longer than the law allows"
            return judge(scene, said, allowed=TO_INTRODUCE)


async def _by_wifi(dice: random.Random, fault: Fault_) -> int:
    file, site, node = load_bench(BENCHES / "virtual.yaml")
    with tempfile.TemporaryDirectory(prefix="rig-") as folder:
        async with opened(file, site, node, BENCHES / "virtual.yaml", Path(folder)) as bench:
            gateway = RigGateway(bench, Path(folder) / "gateway")
            await gateway.start_broker()
            await gateway.start()
            try:
                tree = program_of(bench, gateway, compiled())
                parts = (bench.console, bench.power, bench.flasher, bench.meter, bench.clock)
                scene = Scene(bench, Strategy(*parts, tree), gateway, dice)
                await scene.dut.to(State.ASLEEP)
                await gateway.until_stored(1, PATIENCE_S)
                await fault(scene)
                await bench.clock.sleep(REST_S)
                await scene.wakes(3)
                await scene.asleep()
                said = printed.records(bench.console.text())
                await gateway.until_stored(len(said), PATIENCE_S)
                return judge(scene, said)
            finally:
                await gateway.stop()
                await gateway.stop_broker()


def judge(
    scene: Scene, said: Mapping[int, tuple[int | None, ...]], allowed: frozenset[str] = frozenset()
) -> int:
    """Compare what the node `said` it has with what is stored; `allowed` are causes of a refusal."""
    text, gateway = scene.bench.console.text(), scene.gateway
    stored = gateway.records()
    lost = said.items() - stored.items()
    assert not lost, f"in flash and not in the store: {sorted(lost)[:3]}"
    made_up = stored.keys() - printed.records(text).keys()
    assert len(made_up) <= scene.unseen, f"{sorted(made_up)} are stored, and the node never told of them"
    refused = gateway.refused().keys() - allowed
    assert not refused, f"frames were refused: {gateway.refused()}"
    boots = printed.boots(text)
    assert boots == sorted(set(boots)), f"cold boots were numbered {boots}"
    assert len(printed.epochs(text)) == 1, "the backlog began anew"
    return len(stored)


def run(tally: Tally) -> None:
    names, held = list(FAULTS), Counter[str]()
    tried = Counter[str]()
    seeds = tally.rounds(SCENARIOS)

    async def work() -> None:
        for seed in seeds:
            name = names[seed % len(names)]
            tried[name] += 1
            with tally.run(seed):
                tally.add("records", await scenario(seed, name))
                held[name] += 1

    async def work_all() -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())

    asyncio.run(work_all())
    for name, (_, promise) in FAULTS.items():
        verdict = "held" if held[name] == tried[name] else "BROKEN"
        tally.tell(f"{name} -> {promise} -> {verdict} {held[name]} of {tried[name]}")
    tally.facts["held"] = {name: f"{held[name]} of {tried[name]}" for name in FAULTS if tried[name]}
