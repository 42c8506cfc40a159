"""The tipping bucket, and the node's driver on it: by hand, and in real MicroPython over a power cut."""

import json
from collections.abc import Callable
from pathlib import Path

from drivers.pulses import ContactCounter
from hardware.virtual.board import Board
from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.tipping_bucket import TippingBucket
from hardware.virtual.clock import ManualClock, RealClock
from hardware.virtual.wiring import Wiring

FIRMWARE = Path(__file__).parents[4] / "firmware"

MAIN = """
import asyncio
from drivers.pulses import attach
from node.hardware import Hardware
async def main():
    gauge = attach(Hardware(), [{"bus": {"pin": 33}, "bounce_ms": 400}])
    told = None
    while True:
        found = gauge.read()[0]
        if found != told:
            print(found[0], "quality", found[1])
            told = found
        for _ in range(20):
            gauge.poll()
            await asyncio.sleep_ms(25)
asyncio.run(main())
"""


async def test_golden_tip() -> None:
    bucket = TippingBucket(lambda: 0, ManualClock())
    levels: list[int] = []
    bucket.listen(levels.append)
    await bucket.tip()
    assert levels == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]


async def test_the_driver_counts_each_tip_once() -> None:
    clock = ManualClock()
    counter = ContactCounter(lambda: round(clock.monotonic_s() * 1000))
    bucket = TippingBucket(lambda: 0, clock)

    def fell(level: int) -> None:
        if level == 0:
            counter.edge()

    bucket.listen(fell)
    for _ in range(20):
        await bucket.tip()
        clock.advance(bucket.REST_S)
    assert counter.value() == bucket.pulses == 20


def test_faults_and_samples() -> None:
    seen: list[tuple[str, int, int]] = []
    clock = ManualClock(5000)
    bucket = TippingBucket(lambda: 0, clock, lambda *sample: seen.append(sample))
    assert bucket.level() == 1
    bucket.fault = Fault.STUCK
    assert bucket.level() == 0
    assert seen == [("level", 1, 5000), ("level", 0, 5000)]


async def test_the_total_survives_a_power_cut(make_board: Callable[..., Board], tmp_path: Path) -> None:
    clock = RealClock()
    rain = [0]
    bucket = TippingBucket(lambda: rain[0], clock)
    tree = {str(file.relative_to(FIRMWARE)): file.read_bytes() for file in FIRMWARE.glob("lib/**/*.py")}
    board = make_board(MAIN, Wiring(pins={33: bucket}), tree, clock=clock)

    async def says(line: str) -> None:
        await board.until(lambda: line in board.console.text().splitlines())

    await board.power_on()
    await says("0 quality 9")
    for total in (1, 2):
        rain[0] += 1
        await says(f"{total} quality 0")
    await board.power_cut()
    kept = json.loads((tmp_path / board.name / "nvs.json").read_text())
    assert kept == [["kept", "pulses33", "b", (2).to_bytes(8, "little").hex()]]
    rain[0] += 40  # it rains while nobody counts
    await board.power_on()
    await says("2 quality 9")
    rain[0] += 1
    await says("3 quality 0")
    before = board.console.text().count("None quality 2")
    bucket.fault = Fault.STUCK
    await board.until(lambda: board.console.text().count("None quality 2") > before)
    assert bucket.pulses == 3
