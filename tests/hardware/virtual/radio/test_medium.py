"""Who hears what: range, collisions, capture, half-duplex, one channel against eight."""

import pytest

from hardware.virtual.radio.medium import Antenna, Medium, Modulation, Reception, sub_band
from hardware.virtual.radio.physics import airtime_s
from hardware.virtual.radio.timeline import Timeline

SF9 = Modulation(869_525, 9)


class Air:
    """Antennas "a", "b", ... that lose 100 dB to "rx" unless told otherwise."""

    def __init__(self, losses: dict[str, float] | None = None, *, demodulators: int = 1) -> None:
        self.clock = Timeline()
        told = {tuple(sorted((name, "rx"))): db for name, db in (losses or {}).items()}
        self.medium = Medium(self.clock, fading_db=0, losses_db=told)  # type: ignore[arg-type]
        self.rx = Antenna("rx", self.medium, demodulators=demodulators)
        self.rx.on_packet = self._heard
        self.heard: list[Reception] = []
        self.rx.listen(lambda modulation: modulation == SF9)

    def _heard(self, reception: Reception) -> None:
        self.heard.append(reception)

    def send(self, name: str, at_s: float, modulation: Modulation = SF9, size: int = 24) -> None:
        antenna = self.medium.antennas.get(name) or Antenna(name, self.medium)
        self.clock.call_later(at_s, lambda: antenna.send(modulation, name.encode() * size, 14))

    def intact(self) -> list[str]:
        self.clock.run_until(60)
        return [r.signal.sender.name for r in self.heard if r.intact]


def test_a_packet_arrives_with_its_level() -> None:
    air = Air({"a": 120})
    air.send("a", 0)
    assert air.intact() == ["a"]
    assert air.heard[0].rssi_dbm == -106
    assert air.heard[0].snr_db == pytest.approx(11, abs=0.1)
    assert air.heard[0].signal.payload == b"a" * 24


@pytest.mark.parametrize(("sf", "reach_db"), [(7, 138), (9, 143), (12, 151)])
def test_a_slower_packet_reaches_further(sf: int, reach_db: int) -> None:
    for loss, heard in ((reach_db, True), (reach_db + 2, False)):
        air = Air({"a": loss})
        air.rx.listen(lambda modulation: modulation.sf == sf)
        air.send("a", 0, Modulation(869_525, sf))
        assert (air.intact() == ["a"]) is heard


def test_two_alike_destroy_each_other_and_a_strong_one_is_captured() -> None:
    air = Air({"a": 120, "b": 123})
    air.send("a", 0)
    air.send("b", 0.01)
    assert air.intact() == []
    air = Air({"a": 120, "b": 127})
    air.send("a", 0)
    air.send("b", 0.01)
    assert air.intact() == ["a"]


def test_other_channels_and_spreading_factors_do_not_collide() -> None:
    for other in (Modulation(868_100, 9), Modulation(869_525, 7), Modulation(869_525, 9, inverted=True)):
        air = Air({"a": 120, "b": 120})
        air.send("a", 0)
        air.send("b", 0.01, other)
        assert air.intact() == ["a"]


def test_a_receiver_must_listen_in_time_and_go_on_listening() -> None:
    for at_s, heard in ((0.0, ["a"]), (0.005, ["a"]), (0.05, [])):
        air = Air()
        air.rx.listen(None)
        air.send("a", 0)
        air.clock.call_later(at_s, lambda air=air: air.rx.listen(lambda m: True))  # type: ignore[misc]
        assert air.intact() == heard
    air = Air()
    air.send("a", 0)
    air.clock.call_later(0.15, lambda: air.rx.listen(lambda m: True))
    assert air.intact() == []


def test_who_sends_does_not_hear() -> None:
    air = Air()
    air.send("a", 0)
    air.send("rx", 0.1, Modulation(868_100, 7))
    assert air.intact() == []


def test_one_receiver_hears_one_packet_a_concentrator_eight() -> None:
    for demodulators, count in ((1, 1), (8, 8)):
        air = Air(demodulators=demodulators)
        air.rx.listen(lambda modulation: True)
        for i in range(10):
            air.send(chr(97 + i), 0.001 * i, Modulation(867_100 + 200 * i, 9))
        assert len(air.intact()) == count


def test_the_same_seed_gives_the_same_day() -> None:
    def day(seed: int) -> list[tuple[str, float]]:
        clock = Timeline()
        medium = Medium(clock, seed=seed)
        rx = Antenna("rx", medium, demodulators=8)
        heard: list[tuple[str, float]] = []
        rx.on_packet = lambda r: heard.append((r.signal.sender.name, r.rssi_dbm))
        rx.listen(lambda modulation: True)
        for i in range(40):
            node = Antenna(f"n{i}", medium, (i * 100.0, 50.0))
            clock.call_later(i % 7, lambda node=node: node.send(SF9, b"x" * 24, 14))  # type: ignore[misc]
        clock.run_until(20)
        return heard

    assert day(1) == day(1) != day(2)


def test_the_judge_finds_the_busiest_hour() -> None:
    air = Air()
    one = airtime_s(24, 9)
    for at_s in (0, 1800, 3599.9, 3601, 9000):
        air.send("a", at_s)
    air.clock.run_until(10_000)
    assert air.medium.busiest_hour_s("a", sub_band(869_525)) == pytest.approx(3 * one, abs=0.2)
    assert air.medium.busiest_hour_s("a", sub_band(868_100)) == 0


def test_sub_bands() -> None:
    assert [sub_band(khz) for khz in (864_000, 867_100, 868_300, 868_900, 869_525, 869_800)] == [*range(6)]
    with pytest.raises(ValueError, match="868650"):
        sub_band(868_650)
