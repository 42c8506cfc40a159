"""The meter's port: frames at their times, whoever listens."""

from hardware.virtual.chips.chip import Fault
from hardware.virtual.chips.han_meter import HanMeter
from hardware.virtual.clock import ManualClock

FRAMES = [(float(10 * i), bytes((0x7E, i, 0x7E))) for i in range(1, 5)]


async def heard(meter: HanMeter) -> list[bytes]:
    frames: list[bytes] = []
    meter.send = frames.append
    await meter.run()
    return frames


async def test_frames_come_at_their_times() -> None:
    clock = ManualClock()
    seen: list[tuple[str, int, int]] = []
    start_ms = clock.utc_ms()
    meter = HanMeter(FRAMES, clock, witness=lambda *sample: seen.append(sample))
    meter.power_on()
    assert await heard(meter) == [frame for _, frame in FRAMES]
    assert [utc_ms - start_ms for _, _, utc_ms in seen] == [10_000, 20_000, 30_000, 40_000]


async def test_frames_that_nobody_heard_are_gone() -> None:
    clock = ManualClock()
    meter = HanMeter(FRAMES, clock)
    meter.power_on()
    clock.advance(25)
    assert await heard(meter) == [frame for _, frame in FRAMES[2:]]


async def test_faults() -> None:
    clock = ManualClock()
    meter = HanMeter([*FRAMES[:1]], clock)
    meter.power_on()
    meter.fault = Fault.CORRUPT
    assert await heard(meter) == [bytes((0x7E, 1 ^ 0x10, 0x7E))]
    silent = HanMeter(FRAMES, clock)
    silent.power_on()
    silent.fault = Fault.DISCONNECTED
    assert await heard(silent) == []
