"""The concentrator hears eight channels, keeps its own clock, and sends when told to or says why not."""

import pytest

from hardware.virtual.radio.concentrator import CHANNELS_KHZ, TMST, Concentrator, Heard
from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception
from hardware.virtual.radio.timeline import Timeline

DOWN = Modulation(869_525, 9, inverted=True)


class Bench:
    def __init__(self, offset_us: int = 0) -> None:
        self.time = Timeline()
        self.medium = Medium(self.time, fading_db=0, shadow_db=0)
        self.heard: list[Heard] = []
        self.concentrator = Concentrator("c", self.medium, heard=self.heard.append, offset_us=offset_us)
        self.node = Antenna("n", self.medium, (500, 0))
        self.answers: list[Reception] = []
        self.node.on_packet = self.answers.append
        self.node.listen(lambda modulation: modulation == DOWN)


def test_all_channels_and_spreading_factors_and_no_downlinks() -> None:
    bench = Bench()
    for i, khz in enumerate(CHANNELS_KHZ):
        node = Antenna(f"n{i}", bench.medium, (300, i))
        node.send(Modulation(khz, 7 + i % 6), b"x", 14)
    Antenna("other", bench.medium, (300, 9)).send(Modulation(868_500, 7, inverted=True), b"down", 14)
    Antenna("off", bench.medium, (300, 9)).send(Modulation(868_900, 7), b"elsewhere", 14)
    bench.time.run_until(5)
    assert sorted(heard.channel for heard in bench.heard) == [*range(8)]


def test_its_clock_is_that_of_the_end_of_the_packet() -> None:
    bench = Bench(offset_us=TMST - 1000)
    signal = bench.node.send(Modulation(868_100, 7), b"x", 14)
    bench.time.run_until(1)
    assert bench.heard[0].ticks_us == round(signal.end_s * 1e6) - 1000


def test_it_sends_when_its_clock_says_so() -> None:
    bench = Bench(offset_us=TMST - 200_000)
    assert bench.concentrator.plan(b"hello", DOWN, 14, 100_000) is None  # in 0.3 s, past the clock's end
    bench.time.run_until(2)
    (answer,) = bench.answers
    assert answer.signal.payload == b"hello"
    assert answer.signal.start_s == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("ticks_us", "power_dbm", "khz", "error"),
    [
        (1_000, 14, 869_525, "TOO_LATE"),
        (TMST - 5_000, 14, 869_525, "TOO_LATE"),
        (60_000_000, 14, 869_525, "TOO_EARLY"),
        (500_000, 30, 869_525, "TX_POWER"),
        (500_000, 14, 868_650, "TX_FREQ"),
        (250_000, 14, 869_525, "COLLISION_PACKET"),
    ],
)
def test_why_it_does_not_send(ticks_us: int, power_dbm: int, khz: int, error: str) -> None:
    bench = Bench()
    assert bench.concentrator.plan(b"first", DOWN, 14, 200_000) is None
    assert bench.concentrator.plan(b"x", Modulation(khz, 9, inverted=True), power_dbm, ticks_us) == error


def test_without_power_it_neither_hears_nor_sends() -> None:
    bench = Bench()
    bench.concentrator.plan(b"x", DOWN, 14, 200_000)
    bench.concentrator.stop()
    bench.node.send(Modulation(868_100, 7), b"x", 14)
    bench.time.run_until(1)
    assert (bench.heard, bench.answers) == ([], [])
    bench.concentrator.start()
    bench.node.send(Modulation(868_100, 7), b"x", 14)
    bench.time.run_until(2)
    assert len(bench.heard) == 1
