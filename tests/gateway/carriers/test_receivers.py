"""What hears a gateway's nodes in different ways is put together as if it were one kind."""

from collections import Counter

import pytest

from gateway.carriers.duty import Duty
from gateway.carriers.receivers import MERGE_S, Receivers
from gateway.model import Downlink, Reception, Uplink
from hardware.virtual.radio.timeline import Timeline
from tests.gateway.carriers.test_concentrators import ASKING, LORA


class Fake:
    """One receiver. `hindered`: why it can not send."""

    def __init__(self, name: str, time: Timeline) -> None:
        self.name, self._time = name, time
        self.counts: Counter[str] = Counter()
        self.uplinks: list[Uplink] = []
        self.sent: list[tuple[bytes, int]] = []
        self.hindered: str | None = None

    def deliver(self, uplink: Uplink) -> None:
        self.uplinks.append(uplink)

    def lately(self, since_s: float) -> int:
        return 1

    def hindrance(self, receiver: str) -> str | None:
        if receiver != self.name:
            raise KeyError(receiver)
        return self.hindered

    def transmit(self, heard: Reception, frame: bytes, begin_us: int) -> None:
        self.sent.append((frame, begin_us))

    def reception(self, snr_db: float, ticks_us: int = 0) -> Reception:
        return Reception(self.name, -100, snr_db, ticks_us, 869_525, 9, 125)


class Bench:
    def __init__(self) -> None:
        self.time = Timeline()
        self.duty = Duty(869_525, 125, lambda: int(self.time.monotonic_s()))
        self.receivers = Receivers(
            LORA,
            self.duty,
            later=lambda seconds, call: self.time.call_later(seconds, call),
            now_s=self.time.monotonic_s,
            now_ms=self.time.utc_ms,
        )
        self.one, self.other = Fake("one", self.time), Fake("other", self.time)
        self.receivers.join(self.one)
        self.receivers.join(self.other)

    def both_hear(self) -> Uplink:
        self.receivers.heard(self.one, ASKING, self.one.reception(-3, 500))
        self.receivers.heard(self.other, ASKING, self.other.reception(4, 70))
        self.time.run_until(self.time.monotonic_s() + 2 * MERGE_S)
        (uplink,) = self.one.uplinks + self.other.uplinks
        return uplink


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_two_kinds_heard_is_one_uplink_and_the_better_one_answers(bench: Bench) -> None:
    uplink = bench.both_hear()
    assert bench.one.uplinks == [uplink], "who heard first delivers"
    assert [r.receiver for r in uplink.receptions] == ["other", "one"]
    assert bench.one.counts == {"uplinks": 1, "merged": 1}
    bench.receivers.send(bench.one, [Downlink(11, b"answer", uplink)])
    assert (bench.one.sent, bench.other.sent) == ([], [(b"answer", 1_000_070)])
    assert bench.one.counts["downlinks"] == 1


def test_the_other_kind_answers_where_the_best_can_not(bench: Bench) -> None:
    bench.other.hindered = "unplugged"
    uplink = bench.both_hear()
    bench.receivers.send(bench.one, [Downlink(11, b"answer", uplink)])
    assert (bench.one.sent, bench.other.sent) == ([(b"answer", 1_000_500)], [])
    bench.one.hindered = "gone too"
    bench.receivers.send(bench.one, [Downlink(11, b"answer", uplink)])
    assert bench.one.counts["not sent: gone too"] == 1


def test_nobody_is_answered_late_or_by_a_receiver_that_is_no_more(bench: Bench) -> None:
    uplink = bench.both_hear()
    bench.time.run_until(bench.time.monotonic_s() + 2)
    bench.receivers.send(bench.one, [Downlink(11, b"answer", uplink)])
    assert bench.one.counts["not sent: too late"] == 1
    stranger = Uplink(ASKING, bench.time.utc_ms(), "lora", 0, 0, (Fake("x", bench.time).reception(1),))
    bench.receivers.send(bench.one, [Downlink(11, b"answer", stranger)])
    assert bench.one.counts["not sent: no way to the receiver"] == 1


def test_a_frame_that_was_kept_back_keeps_its_time(bench: Bench) -> None:
    bench.receivers.heard(bench.one, ASKING, bench.one.reception(1), received_at_ms=77)
    bench.time.run_until(1)
    assert bench.one.uplinks[0].received_at_ms == 77


@pytest.mark.parametrize(("spent_ms", "size"), [(0, 100), (260_000, 40)])
def test_what_only_goes_along_waits_where_airtime_is_short(bench: Bench, spent_ms: int, size: int) -> None:
    for name in ("one", "other"):
        for _ in range(5):
            bench.duty.spend(name, spent_ms // 5)
    uplink = bench.both_hear()
    bench.receivers.send(bench.one, [Downlink(11, bytes(100), uplink, 2, short=bytes(40))])
    assert [len(frame) for frame, _ in bench.other.sent] == [size]
    assert bench.one.counts["shortened"] == (size == 40)
